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

package ocloud_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/eventing-ptp/eventing-ptp/pkg/publish/ocloud"
)

const (
	versionLine = `{"version":1}` + "\n"
	lineA       = `{"subscription":{"id":"a","api":"v2","endpointUri":"http://a","resource":"/sync","created":"2026-11-26T09:00:00Z"}}` + "\n"
	lineB       = `{"subscription":{"id":"b","api":"v1","endpointUri":"http://b","resource":"/sync","created":"2026-11-26T09:00:00Z"}}` + "\n"
	lineA2      = `{"subscription":{"id":"a","api":"v2","endpointUri":"http://a2","resource":"/sync","created":"2026-11-26T09:00:00Z"}}` + "\n"
)

func TestFileOfSubscriptions(t *testing.T) {
	for _, tc := range []struct {
		name, text string
		want       []string
		wrong      string
	}{
		{"none", versionLine, nil, ""},
		{"two", versionLine + lineB + lineA, []string{"b http://b", "a http://a"}, ""},
		{"said again", versionLine + lineA + lineB + lineA2, []string{"a http://a2", "b http://b"}, ""},
		{"removed", versionLine + lineA + lineB + `{"removed":["a","x"]}` + "\n", []string{"b http://b"}, ""},
		{"removed, and there again", versionLine + lineA + lineB + `{"removed":["a"]}` + "\n" + lineA2, []string{"a http://a2", "b http://b"}, ""},
		{"something of a later program", versionLine + lineA + `{"paused":["a"]}` + "\n", []string{"a http://a"}, ""},
		{"cut short at the end", versionLine + lineA + lineB[:40], []string{"a http://a"}, ""},
		{"cut short before the line ends", versionLine + lineA + strings.TrimSpace(lineB), []string{"a http://a"}, ""},
		{"cut short in the middle", versionLine + lineA[:40] + "\n" + lineB, nil, "line 2"},
		{"empty", "", nil, "line 1"},
		{"no line", `{"version":1}`, nil, "first line"},
		{"another version", `{"version":2}` + "\n" + lineA, nil, "version 2"},
		{"no version", lineA, nil, "version 0"},
	} {
		got, err := ocloud.Parse(tc.text)
		if !slices.Equal(got, tc.want) || (err == nil) != (tc.wrong == "") || err != nil && !strings.Contains(err.Error(), tc.wrong) {
			t.Errorf("%s: %q, %v, want %q and %q", tc.name, got, err, tc.want, tc.wrong)
		}
	}
}

func FuzzFileOfSubscriptions(f *testing.F) {
	f.Add(versionLine + lineA + lineB + `{"removed":["a"]}` + "\n" + lineA2)
	f.Add(versionLine + lineA[:50])
	f.Fuzz(func(t *testing.T, text string) {
		all, err := ocloud.Parse(text)
		if err != nil {
			return
		}
		if more, err := ocloud.Parse(text + lineA[:len(lineA)/2]); strings.HasSuffix(text, "\n") && (err != nil || !slices.Equal(more, all)) {
			t.Errorf("%q: what is cut short makes %q of %q: %v", text, more, all, err)
		}
	})
}

// The file does not grow without end, whatever comes and goes.
func TestFileOfSubscriptionsStaysSmall(t *testing.T) {
	directory := t.TempDir()
	r, c := open(t, func(o *ocloud.Options) { o.Directory = directory }), consume(t, nil)
	stays := r.subscribe(t, c.URL+"/stays", "/sync/ptp-status/clock-class")
	for n := range 600 {
		id := r.subscribe(t, fmt.Sprint(c.URL, "/", n), "/sync/ptp-status/clock-class")
		if got := r.do(t, "DELETE", subscriptions+"/"+id, ""); got.status != 204 {
			t.Fatalf("%d %s", got.status, got.body)
		}
	}
	text, err := os.ReadFile(filepath.Join(directory, "ocloud-subscriptions.jsonl"))
	if lines := strings.Count(string(text), "\n"); err != nil || lines > 1002 {
		t.Errorf("%d lines, %v", lines, err)
	}
	if got, err := ocloud.Parse(string(text)); err != nil || !slices.Equal(got, []string{stays + " " + c.URL + "/stays"}) {
		t.Errorf("the file has %q, %v", got, err)
	}
}

// A file that somebody removes is there again with the next change.
func TestFileOfSubscriptionsThatIsRemoved(t *testing.T) {
	directory := t.TempDir()
	r, c := open(t, func(o *ocloud.Options) { o.Directory = directory }), consume(t, nil)
	path := filepath.Join(directory, "ocloud-subscriptions.jsonl")
	var want []string
	for n := range 3 {
		endpoint := fmt.Sprint(c.URL, "/", n)
		want = append(want, r.subscribe(t, endpoint, "/sync")+" "+endpoint)
		text, err := os.ReadFile(path)
		if got, wrong := ocloud.Parse(string(text)); err != nil || wrong != nil || !slices.Equal(got, want) {
			t.Errorf("the file has %q, %v, %v, want %q", got, err, wrong, want)
		}
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
	}
}
