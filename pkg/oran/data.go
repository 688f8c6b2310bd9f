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

package oran

import (
	"cmp"
	"encoding/json"
	"fmt"
	"strings"
)

// dataVersion is the version of the data format (v04.00, table 35).
const dataVersion = "1.0"

// Data is the content of an event.
type Data struct {
	Version string  `json:"version"`
	Values  []Value `json:"values"`
}

// Value is one value of one thing.
type Value struct {
	// ResourceAddress says what has the value: a port of a clock, or the resource.
	ResourceAddress string `json:"ResourceAddress"`
	// DataType is Notification or Metric, ValueType Enumeration or Decimal.
	DataType  string `json:"data_type"`
	ValueType string `json:"value_type"`
	// Value is written as a JSON string also where it is a number: decoders in the
	// field fail on anything else.
	Value string `json:"value"`
}

// appendJSON appends the data as json.Marshal writes it. It lies between every change and
// its sink, where encoding/json would take a twelfth of the adapter's own time.
func (d Data) appendJSON(b []byte) []byte {
	b = appendString(append(b, `{"version":`...), d.Version)
	b = append(b, `,"values":[`...)
	for n, v := range d.Values {
		if n > 0 {
			b = append(b, ',')
		}
		b = appendString(append(b, `{"ResourceAddress":`...), v.ResourceAddress)
		b = appendString(append(b, `,"data_type":`...), v.DataType)
		b = appendString(append(b, `,"value_type":`...), v.ValueType)
		b = appendString(append(b, `,"value":`...), v.Value)
		b = append(b, '}')
	}
	return append(b, "]}"...)
}

func appendString(b []byte, s string) []byte {
	if strings.ContainsFunc(s, needsEscape) { // the name of an interface may be anything
		escaped, _ := json.Marshal(s) // a string cannot fail to become JSON
		return append(b, escaped...)
	}
	b = append(b, '"')
	b = append(b, s...)
	return append(b, '"')
}

func needsEscape(r rune) bool { return r < ' ' || r > '~' || strings.ContainsRune(`"\<>&`, r) }

// UnmarshalJSON reads a value as it is found in the field: the value may also be a
// JSON number, and data_type may be called type, as in the examples of v04.00.
// Members and types that are not known are no error.
func (v *Value) UnmarshalJSON(raw []byte) error {
	var in struct {
		ResourceAddress string          `json:"ResourceAddress"`
		DataType        string          `json:"data_type"`
		Type            string          `json:"type"`
		ValueType       string          `json:"value_type"`
		Value           json.RawMessage `json:"value"`
	}
	if err := json.Unmarshal(raw, &in); err != nil {
		return err
	}
	*v = Value{
		ResourceAddress: in.ResourceAddress,
		DataType:        cmp.Or(in.DataType, in.Type),
		ValueType:       in.ValueType,
	}
	if json.Unmarshal(in.Value, &v.Value) == nil {
		return nil
	}
	var number json.Number
	if json.Unmarshal(in.Value, &number) != nil {
		return fmt.Errorf("value of %q must be a JSON string or number, not %.20q", v.ResourceAddress, in.Value)
	}
	v.Value = number.String()
	return nil
}
