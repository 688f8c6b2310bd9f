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
	"fmt"
	"time"
)

// Limits bound what a journal keeps.
type Limits struct {
	// Entries is how many entries are kept at most, at least 1.
	Entries int
	// Bytes is how many bytes are kept at most: of payload in memory, and of files on
	// disk.
	Bytes int
	// Age is how long an entry is kept at most; 0 means for ever. On disk entries go a
	// file at a time, so that one may stay an eighth longer.
	Age time.Duration
}

// DefaultLimits keeps 100,000 entries, 64 MiB and a week: two months of a clock that
// changes every minute fit, and no disk notices it.
func DefaultLimits() Limits {
	return Limits{Entries: 100_000, Bytes: 64 << 20, Age: 7 * 24 * time.Hour}
}

func (l Limits) validate() error {
	if l.Entries < 1 || l.Bytes < 1 || l.Age < 0 {
		return fmt.Errorf("journal cannot keep %d entries of %d bytes in all for %v; both numbers must be 1 or more, and the time 0 or more", l.Entries, l.Bytes, l.Age)
	}
	return nil
}

// largest is how many bytes one payload may have.
func (l Limits) largest() int { return min(l.Bytes, maxPayload) }

// These bound what is in memory of a journal that is on disk.
const (
	// Readers that keep up are served from memory.
	recentBytes = 512 << 10
	// While the disk cannot be written, so much is kept for when it can.
	unsavedEntries, unsavedBytes = 4096, 8 << 20
)

// inMemory is what may be in memory.
func (l Limits) inMemory(onDisk bool) Limits {
	if onDisk {
		l.Entries, l.Bytes = min(l.Entries, unsavedEntries), min(l.Bytes, unsavedBytes)
	}
	return l
}
