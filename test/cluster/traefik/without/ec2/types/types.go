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

// Package types is what the service speaks of.
package types

// Reservation is instances that were launched together.
type Reservation struct {
	Instances []Instance
}

// Instance is a machine.
type Instance struct {
	InstanceId, PrivateIpAddress *string
	State                        *InstanceState
}

// InstanceState is what it does.
type InstanceState struct {
	Name InstanceStateName
}

// InstanceStateName is a word for that.
type InstanceStateName string

// InstanceStateNameRunning is the one that Traefik looks for.
const InstanceStateNameRunning InstanceStateName = "running"
