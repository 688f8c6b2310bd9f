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

// Package moment reads the times that people type.
package moment

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// local are the forms without a zone, which mean the local time. They are those of
// `isula events`: a date, and as much of the time of day as is given.
var local = []string{
	"2006-01-02T15:04:05.999999999", // the fraction may be missing
	"2006-01-02T15:04",
	"2006-01-02T15",
	"2006-01-02",
}

// Parse reads a time: RFC 3339, a local time, seconds since 1970 with or without a fraction,
// or how long ago it was (10m; -10m is to come).
func Parse(text string, now time.Time) (time.Time, error) {
	if t, err := time.Parse(time.RFC3339Nano, text); err == nil {
		return t, nil
	}
	for _, form := range local {
		if t, err := time.ParseInLocation(form, text, now.Location()); err == nil {
			return t, nil
		}
	}
	if d, err := time.ParseDuration(text); err == nil {
		return now.Add(-d), nil
	}
	if t, ok := unix(text); ok {
		return t.In(now.Location()), nil
	}
	return time.Time{}, fmt.Errorf("%q is no time; it can be 2026-05-10T07:20:34Z, 2026-05-10T07:20 or 2026-05-10 (local), "+
		"1778397634.5 (seconds since 1970) or 10m (ago)", text)
}

// unix reads seconds since 1970, with up to nine digits behind the point.
func unix(text string) (time.Time, bool) {
	whole, fraction, pointed := strings.Cut(text, ".")
	if pointed && (fraction == "" || len(fraction) > 9) {
		return time.Time{}, false
	}
	seconds, err := strconv.ParseInt(whole, 10, 64)
	if err != nil {
		return time.Time{}, false
	}
	nanoseconds, err := strconv.ParseUint((fraction + "000000000")[:9], 10, 32)
	if err != nil {
		return time.Time{}, false
	}
	return time.Unix(seconds, int64(nanoseconds)), true
}
