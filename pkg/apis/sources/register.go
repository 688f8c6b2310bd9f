/*
Copyright 2026 The eventing-ptp Authors

Licensed under the Apache License, Version 2.0 (the "License");
you may not use this file except in compliance with the License.
You may obtain a copy of the License at

    http://www.apache.org/licenses/LICENSE-2.0

Unless required by applicable law or agreed to in writing, software
distributed under the License is distributed on an "AS IS" BASIS,
WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
See the License for the specific language governing permissions and
limitations under the License.
*/

// Package sources holds the API group of the PtpSource.
package sources

import "k8s.io/apimachinery/pkg/runtime/schema"

// GroupName is the API group that Knative's sources share.
const GroupName = "sources.knative.dev"

// PtpSourceResource is what a PtpSource is called in roles and in URLs.
func PtpSourceResource() schema.GroupResource {
	return schema.GroupResource{Group: GroupName, Resource: "ptpsources"}
}
