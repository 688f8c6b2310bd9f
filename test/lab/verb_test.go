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
)

func TestParse(t *testing.T) {
	for _, test := range []struct {
		line        string
		verb, clock string
		port        int
		argument    string
	}{
		{"freeze gm", "freeze", "gm", 1, ""},
		{"  link   down follower ", "link down", "follower", 1, ""},
		{"link up boundary/2", "link up", "boundary", 2, ""},
		{"class gm 7", "class", "gm", 1, "7"},
		{"servo unlock follower2", "servo unlock", "follower2", 1, ""},
		{"offset follower -1.5us", "offset", "follower", 1, "-1.5us"},
		{"wait follower SLAVE", "wait", "follower", 1, "SLAVE"},
	} {
		t.Run(test.line, func(t *testing.T) {
			r, err := parse(test.line)
			if err != nil {
				t.Fatal(err)
			}
			if r.verb.words != test.verb || r.clock != test.clock || r.port != test.port || r.argument != test.argument {
				t.Errorf("got %q %q %d %q", r.verb.words, r.clock, r.port, r.argument)
			}
		})
	}
}

func TestParseSaysTheForm(t *testing.T) {
	for _, test := range []struct{ line, want string }{
		{"", "link down CLOCK[/PORT]"},
		{"melt gm", `"melt gm" is none of`},
		{"link gm", "link down CLOCK[/PORT]"},
		{"freeze", "freeze CLOCK"},
		{"class gm", "class CLOCK NUMBER"},
		{"freeze gm 7", "freeze CLOCK"},
		{"link down gm/x", `"x" is no port number`},
	} {
		t.Run(test.line, func(t *testing.T) {
			_, err := parse(test.line)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v does not contain %q", err, test.want)
			}
		})
	}
}

func TestDoRefusesBadArguments(t *testing.T) {
	l := &Lab{}
	c := &Clock{name: "gm"}
	c.ports = []*Port{{clock: c, number: 1}}
	l.clocks = []*Clock{c}
	for _, test := range []struct{ line, want string }{
		{"freeze gn", `no clock "gn" in this lab: it has gm`},
		{"link down gm/2", "gm has no port 2, it has 1"},
		{"link down gm/0", "gm has no port 0"},
		{"class gm 256", "no number from 0 to 255"},
		{"offset gm 50", "missing unit"},
		{"offset gm 140738s", "does not fit a correctionField"},
		{"wait gm LOCKED", `"LOCKED" is no port state`},
	} {
		t.Run(test.line, func(t *testing.T) {
			_, err := l.Do(t.Context(), test.line)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v does not contain %q", err, test.want)
			}
		})
	}
}
