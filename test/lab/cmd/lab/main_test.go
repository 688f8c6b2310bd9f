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
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/eventing-ptp/eventing-ptp/test/lab"
)

func TestFlags(t *testing.T) {
	want := lab.DefaultOptions()
	want.Topology, want.Version, want.Transport = lab.Chain, "3.1.1", lab.UDPv4
	want.Domain, want.LogSync, want.LogAnnounce, want.ClockClass = 24, -4, -3, 7
	want.SlaveOnly, want.Dir = false, "/run/lab"

	var got lab.Options
	err := flags(&got, io.Discard).Parse(strings.Fields("-topology chain -version 3.1.1 -transport UDPv4 -domain 24 " +
		"-sync -4 -announce -3 -class 7 -slave-only=false -dir /run/lab"))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestNodesOfACluster(t *testing.T) {
	state := filepath.Join(t.TempDir(), "state.json")
	text := `{"nodes": [{"name": "n1", "pid": 17, "ptp": "/run/n1/ptp"}, {"name": "n2", "pid": 18, "ptp": "/run/n2/ptp"}], "registry": "localhost:5000"}`
	if err := os.WriteFile(state, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	want := lab.DefaultOptions()
	want.Topology = lab.Fleet
	want.Machines = []lab.Machine{{Name: "n1", Pid: 17, Dir: "/run/n1/ptp"}, {Name: "n2", Pid: 18, Dir: "/run/n2/ptp"}}

	var got lab.Options
	if err := flags(&got, io.Discard).Parse([]string{"-nodes", state}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestFlagsRefuseWhatIsNoByte(t *testing.T) {
	for _, args := range []string{"-domain 256", "-domain -1", "-sync 128", "-class 6x", "-announce 0.5"} {
		t.Run(args, func(t *testing.T) {
			var o lab.Options
			if err := flags(&o, io.Discard).Parse(strings.Fields(args)); err == nil {
				t.Errorf("taken as %+v", o)
			}
		})
	}
}

func TestRun(t *testing.T) {
	for _, test := range []struct{ args, out, err string }{
		{"", "link down CLOCK[/PORT]", ""},
		{"help", "-topology", ""},
		{"down", "", `unknown command "down": it is up, install, check or help`},
		{"up -topology ring", "", `unknown topology "ring"`},
		{"up chain", "", `unexpected argument "chain"`},
		{"up -nodes nowhere", "", "read the nodes of a cluster: open nowhere"},
	} {
		t.Run(test.args, func(t *testing.T) {
			var out strings.Builder
			err := run(t.Context(), strings.Fields(test.args), strings.NewReader(""), &out)
			if (err == nil) != (test.err == "") || err != nil && !strings.Contains(err.Error(), test.err) {
				t.Errorf("error %v, want %q", err, test.err)
			}
			if !strings.Contains(out.String(), test.out) {
				t.Errorf("no %q in the output:\n%s", test.out, out.String())
			}
		})
	}
}
