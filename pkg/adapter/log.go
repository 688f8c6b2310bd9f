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

package adapter

import (
	"encoding/json"
	"maps"
)

// unsampled returns a configuration of the log (K_LOGGING_CONFIG, the data of Knative's
// config-logging as JSON) with which every line is written. Knative's default is zap's for
// production: of lines with the same message, the hundred first of each second and then every
// hundredth. When many clocks change at once, that is when their lines are wanted. Who sets
// sampling in config-logging has it; what cannot be read is left to who complains about it.
func unsampled(config string) string {
	const key = "zap-logger-config"
	data, logger := map[string]string{}, map[string]json.RawMessage{"sampling": json.RawMessage("null")}
	if config != "" && json.Unmarshal([]byte(config), &data) != nil {
		return config
	}
	set := map[string]json.RawMessage{}
	if data[key] != "" && json.Unmarshal([]byte(data[key]), &set) != nil {
		return config
	}
	maps.Copy(logger, set)
	text, err := json.Marshal(logger)
	if err != nil {
		return config
	}
	data[key] = string(text)
	whole, err := json.Marshal(data)
	if err != nil {
		return config
	}
	return string(whole)
}
