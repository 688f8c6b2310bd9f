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

package moment

import (
	"testing"
	"time"
)

func TestParse(t *testing.T) {
	east := time.FixedZone("east", 8*3600)
	now := time.Date(2026, 5, 10, 7, 20, 34, 500, east)
	for text, want := range map[string]string{
		"2026-05-10T07:20:34Z":              "2026-05-10T07:20:34Z",
		"2026-05-10T07:20:34.6618621+08:00": "2026-05-09T23:20:34.6618621Z",
		"2026-05-10":                        "2026-05-09T16:00:00Z",
		"2026-05-10T07":                     "2026-05-09T23:00:00Z",
		"2026-05-10T07:20":                  "2026-05-09T23:20:00Z",
		"2026-05-10T07:20:34":               "2026-05-09T23:20:34Z",
		"2026-05-10T07:20:34.123456789":     "2026-05-09T23:20:34.123456789Z",
		"1778397634":                        "2026-05-10T07:20:34Z",
		"1778397634.5":                      "2026-05-10T07:20:34.5Z",
		"1778397634.000000001":              "2026-05-10T07:20:34.000000001Z",
		"10m":                               "2026-05-09T23:10:34.0000005Z",
		"0s":                                "2026-05-09T23:20:34.0000005Z",
		"-1h30m":                            "2026-05-10T00:50:34.0000005Z",
	} {
		got, err := Parse(text, now)
		if err != nil || got.UTC().Format(time.RFC3339Nano) != want {
			t.Errorf("Parse(%q) = %v, %v; want %s", text, got, err, want)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	for _, text := range []string{"", "yesterday", "10", "1778397634.", "1.1234567891", ".5", "1.-5", "2026-13-01", "2026-05-10T25", "2026-05-10 07:20", "10x"} {
		got, err := Parse(text, time.Unix(0, 0))
		if text == "10" { // seconds since 1970
			if err != nil || got.Unix() != 10 {
				t.Errorf("Parse(10) = %v, %v", got, err)
			}
			continue
		}
		if err == nil {
			t.Errorf("Parse(%q) = %v, want an error", text, got)
		}
	}
	_, err := Parse("noon", time.Unix(0, 0))
	const want = `"noon" is no time; it can be 2026-05-10T07:20:34Z, 2026-05-10T07:20 or 2026-05-10 (local), 1778397634.5 (seconds since 1970) or 10m (ago)`
	if err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{"2026-05-10", "10m", "1.5", "-1.5", "2026-05-10T07:20:34.5"} {
		f.Add(seed)
	}
	now := time.Unix(1778397634, 0).UTC()
	f.Fuzz(func(t *testing.T, text string) {
		at, err := Parse(text, now)
		if err != nil {
			return
		}
		// What is read can be sent to adapters as RFC 3339, wherever that has four digits.
		if y := at.UTC().Year(); y < 0 || y > 9999 {
			return
		}
		again, err := Parse(at.UTC().Format(time.RFC3339Nano), now)
		if err != nil || !again.Equal(at) {
			t.Errorf("%q is %v, and then %v, %v", text, at, again, err)
		}
	})
}
