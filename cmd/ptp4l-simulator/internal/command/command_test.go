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

package command

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// output is a terminal that a test may look at while the command writes.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(b)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

const scenario = `
identity: 767f31.fffe.399e95
ports: [{interface: ens1f0}]
steps:
- {at: 0s, do: link-down, port: ens1f0}
- {at: 1.25s, do: link-up}
- {at: 3s, do: class, class: 7}
`

func write(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "mine.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestRunPlaysAScenario(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "ptp4l.0.socket")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	out, done := &output{}, make(chan error, 1)
	go func() {
		done <- Run(ctx, []string{"-socket", socket, "-scenario", write(t, scenario), "-speed", "100"}, out, out)
	}()

	want := "ptp4l 4.2, clock 767f31.fffe.399e95, domain 0, on " + socket + "\n" +
		"0.0s link-down ens1f0\n1.25s link-up\n3.0s class 7\n" +
		"end of the scenario; the clock stays as it is until you interrupt\n"
	for deadline := time.Now().Add(10 * time.Second); out.String() != want; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("output (-want +got):\n%s", cmp.Diff(want, out.String()))
		}
	}
	if _, err := os.Stat(socket); err != nil {
		t.Error(err)
	}
	cancel()
	if err := <-done; err != nil {
		t.Errorf("error %v after an interrupt, want none", err)
	}
	if _, err := os.Stat(socket); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("socket after an interrupt: %v, want none", err)
	}
}

func TestRunPrints(t *testing.T) {
	for _, tc := range []struct {
		name string
		args []string
		want []string // that are among the output
	}{
		{"the list", []string{"-list"}, []string{"bad-frames           malformed datagrams", "hang                 ptp4l hangs"}},
		{"an example", []string{"-print", "-scenario", "flapping"}, []string{"# A bad cable", "loop: true"}},
		{"help", []string{"--help"}, []string{"-scenario flapping", "-speed", "link-down", "the link is back ([port])"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var out, errOut bytes.Buffer
			if err := Run(t.Context(), tc.args, &out, &errOut); err != nil {
				t.Fatal(err)
			}
			for _, want := range tc.want {
				if !strings.Contains(out.String(), want) {
					t.Errorf("output has no %q:\n%s", want, &out)
				}
			}
		})
	}
}

func TestRunRefuses(t *testing.T) {
	dir := t.TempDir()
	bad := write(t, "steps: [{at: 1s, do: explode}]")
	broken := write(t, "version: 3.1.1")
	for _, tc := range []struct {
		name string
		args []string
		want string
	}{
		{"an unknown flag", []string{"-sokcet", "x"}, "flag provided but not defined: -sokcet; see --help"},
		{"a speed that is a word", []string{"-speed", "fast"}, "invalid value \"fast\" for flag -speed: parse error; see --help"},
		{"an argument", []string{"flapping"}, "unexpected argument \"flapping\"; see --help"},
		{"no speed", []string{"-speed", "0"}, "-speed 0 makes no sense; give a number above 0, such as 10"},
		{"a speed that is none", []string{"-speed", "NaN"}, "-speed NaN makes no sense; give a number above 0, such as 10"},
		{"an unknown example", []string{"-scenario", "nonsense"}, "no scenario is called \"nonsense\"; choose one of bad-frames, boundary-clock"},
		{"a file that is not there", []string{"-scenario", dir + "/none.yaml"}, "read scenario: open " + dir + "/none.yaml: no such file or directory"},
		{"a bad scenario", []string{"-scenario", bad}, bad + ": scenario: step 1 (explode): there is no such verb"},
		{"an impossible read-only socket", []string{"-scenario", broken, "-ro-socket", dir + "/ro"}, "simulate ptp4l: linuxptp 3.1.1 has no read-only socket"},
		{"a directory that is not there", []string{"-socket", dir + "/none/ptp4l"}, "start simulator: bind socket: "},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var out, errOut bytes.Buffer
			if err := Run(t.Context(), tc.args, &out, &errOut); err == nil {
				t.Error("no error")
			}
			if want := "ptp4l-simulator: " + tc.want; !strings.HasPrefix(errOut.String(), want) {
				t.Errorf("printed %q, want %q", &errOut, want)
			}
		})
	}
}
