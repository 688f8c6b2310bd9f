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

package ocloud

import (
	_ "embed"
	"net/http"
)

// openAPI describes the API (OpenAPI 3.1). A test holds every answer against it.
//
//go:embed openapi.yaml
var openAPI []byte

func (a *API) description(c *call) error {
	c.raw(http.StatusOK, "application/yaml", openAPI)
	return nil
}
