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

package lab_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"slices"
	"testing"
	"time"

	"github.com/eventing-ptp/eventing-ptp/test/lab"
	"github.com/eventing-ptp/eventing-ptp/test/sandbox"
)

// holder, in the environment of the test binary, makes it build a lab of these
// options in JSON, tell what it consists of, and wait to be killed.
const holder = "EVENTING_PTP_LAB_HOLDER"

func TestMain(m *testing.M) {
	if text := os.Getenv(holder); text != "" {
		if err := hold([]byte(text)); err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// held is what a lab consists of.
type held struct {
	Dir        string
	Pids       []int
	Namespaces []string // such as net:[4026532304]
}

func hold(text []byte) error {
	var o lab.Options
	if err := json.Unmarshal(text, &o); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	l, err := lab.Build(ctx, o)
	if err != nil {
		return err
	}
	clocks := l.Clocks()
	if _, err := clocks[1].Freeze(); err != nil {
		return err
	}
	if _, err := clocks[len(clocks)-1].InjectOffset(time.Microsecond); err != nil {
		return err
	}
	h := held{Dir: l.Dir()}
	for _, c := range clocks {
		ns, err := os.Readlink(c.Namespace())
		if err != nil {
			return err
		}
		h.Pids = append(h.Pids, c.Pid())
		h.Namespaces = append(h.Namespaces, ns)
	}
	if err := json.NewEncoder(os.Stdout).Encode(h); err != nil {
		return err
	}
	select {}
}

// startHolder starts a process that holds a lab, and returns what it consists of and how to
// kill the process.
func startHolder(t *testing.T, o lab.Options) (h held, kill func()) {
	t.Helper()
	executable, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), executable)
	cmd.Env = append(os.Environ(), holder+"="+string(text))
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadBytes('\n')
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(line, &h); err != nil {
		t.Fatal(err)
	}
	return h, func() {
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = cmd.Wait() // says that it was killed
	}
}

func TestNothingOutlivesKill9(t *testing.T) {
	interfacesBefore := interfaceNames(t)
	o := options("4.2")
	o.Topology = lab.Chain
	h, kill := startHolder(t, o)
	for _, ns := range h.Namespaces {
		if left, err := sandbox.Left(nil, []string{ns}); err != nil || len(left) == 0 {
			t.Errorf("nobody uses %s while the lab lives (%v): this test would see nothing", ns, err)
		}
	}
	killed := time.Now()
	kill()

	deadline := time.Now().Add(patience)
	for {
		left, err := sandbox.Left(h.Pids, h.Namespaces)
		if err != nil {
			t.Fatal(err)
		}
		if len(left) == 0 {
			t.Logf("everything is gone %v after kill -9", time.Since(killed).Round(time.Millisecond))
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("still there after %v: %v", patience, left)
		}
		time.Sleep(time.Millisecond)
	}
	if after := interfaceNames(t); !slices.Equal(after, interfacesBefore) {
		t.Errorf("interfaces %v, before the lab %v", after, interfacesBefore)
	}
	if _, err := os.Stat(h.Dir); err != nil {
		t.Errorf("nobody could have removed %s: %v", h.Dir, err)
	}
	build(t, options("4.2"))
	if _, err := os.Stat(h.Dir); err == nil {
		t.Errorf("%s is there after the next lab was built", h.Dir)
	}
}

func interfaceNames(t *testing.T) []string {
	interfaces, err := net.Interfaces()
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, i := range interfaces {
		names = append(names, i.Name)
	}
	return names
}
