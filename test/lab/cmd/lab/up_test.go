//go:build lab

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

package main

import (
	"strings"
	"testing"
)

func TestUpDoesWhatIsTyped(t *testing.T) {
	const script = `
# a comment
servo unlock follower
wait follower UNCALIBRATED
melt gm
servo lock follower
wait follower SLAVE
`
	var out strings.Builder
	err := run(t.Context(), strings.Fields("up -announce -3"), strings.NewReader(script), &out)
	if err == nil || !strings.Contains(err.Error(), "1 of the lines failed") {
		t.Errorf("error %v does not count the line that failed", err)
	}
	for _, want := range []string{
		"two-clocks on linuxptp 4.2",
		"/follower/ptp4l.0.socket",
		" servo unlock follower\n",
		"wait follower UNCALIBRATED: done\n",
		`error: "melt gm" is none of`,
		"wait follower SLAVE: done\n",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in the output:\n%s", want, out.String())
		}
	}
}
