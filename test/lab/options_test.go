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

package lab

import (
	"strings"
	"testing"
	"time"
)

func TestValidate(t *testing.T) {
	for _, test := range []struct {
		name   string
		change func(*Options)
		want   string // empty if it is valid
	}{
		{"defaults", func(*Options) {}, ""},
		{"no transport", func(o *Options) { o.Transport = "" }, "choose L2 or UDPv4"},
		{"Sync too often", func(o *Options) { o.LogSync = -8 }, "2^-8 s"},
		{"Announce too seldom", func(o *Options) { o.LogAnnounce = 8 }, "2^8 s"},
	} {
		t.Run(test.name, func(t *testing.T) {
			o := DefaultOptions()
			test.change(&o)
			switch err := o.validate(); {
			case test.want == "" && err != nil:
				t.Error(err)
			case test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)):
				t.Errorf("error %v does not contain %q", err, test.want)
			}
		})
	}
}

func TestSettleTimeGrowsWithTheAnnounceInterval(t *testing.T) {
	for log, want := range map[int8]time.Duration{
		-3: 10*time.Second + 1875*time.Millisecond,
		0:  25 * time.Second,
		2:  70 * time.Second,
	} {
		if got := settleTime(log); got != want {
			t.Errorf("2^%d s: %v, want %v", log, got, want)
		}
	}
}
