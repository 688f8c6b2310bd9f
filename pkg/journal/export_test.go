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

package journal

import (
	"encoding/json"
	"os"
)

// WithBoot returns a file as another boot would have written it.
func WithBoot(raw []byte, id string) []byte {
	f, size, err := parse(raw[len(banner):])
	if err != nil {
		panic(err)
	}
	var h fileHeader
	if err := json.Unmarshal(f.body, &h); err != nil {
		panic(err)
	}
	h.Boot = id
	return append(h.start(nil), raw[len(banner)+size:]...)
}

// Flush writes what was acknowledged.
func (l *Log) Flush() { l.writeAcks() }

// Break has every write fail from now on, until the next file.
func (l *Log) Break() {
	l.mu.Lock()
	defer l.mu.Unlock()
	broken, err := os.Open(os.DevNull) // for reading only
	if err != nil {
		panic(err)
	}
	l.disk.retired = append(l.disk.retired, l.disk.file)
	l.disk.file = broken
}
