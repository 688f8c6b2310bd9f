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

package controlplane_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/eventing-ptp/eventing-ptp/test/controlplane"
	"github.com/eventing-ptp/eventing-ptp/test/sandbox"
)

// holder, in the environment of the test binary, makes it start a control plane, tell
// what it consists of, and wait to be killed.
const holder = "EVENTING_PTP_CONTROLPLANE_HOLDER"

// held is what a control plane consists of.
type held struct {
	Dir       string
	Pids      []int
	Namespace string // such as net:[4026532304]
}

func hold() error {
	ctx := context.Background()
	c, err := controlplane.Start(ctx, controlplane.Options{})
	if err != nil {
		return err
	}
	program, err := c.Run("program", exec.Command("sleep", "infinity"))
	if err != nil {
		return err
	}
	h := held{Dir: c.Dir(), Pids: append(c.Pids(), program.Pid())}
	if h.Namespace, err = os.Readlink(c.Namespace()); err != nil {
		return err
	}
	if err := json.NewEncoder(os.Stdout).Encode(h); err != nil {
		return err
	}
	select {}
}

func TestNothingOutlivesKill9(t *testing.T) {
	executable, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), executable)
	cmd.Env = append(os.Environ(), holder+"=1")
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
	var h held
	if err := json.Unmarshal(line, &h); err != nil {
		t.Fatal(err)
	}
	namespaces := []string{h.Namespace}
	// etcd, API server, controller manager, scheduler, and the program.
	if left, err := sandbox.Left(h.Pids, namespaces); err != nil || len(h.Pids) != 5 || len(left) <= len(h.Pids) {
		t.Errorf("only %v of %+v while it lives (%v): this test would see nothing", left, h, err)
	}
	killed := time.Now()
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // says that it was killed

	eventually(t, "the end of everything", func(context.Context) error {
		left, err := sandbox.Left(h.Pids, namespaces)
		if err == nil && len(left) > 0 {
			err = fmt.Errorf("left: %v", left)
		}
		return err
	})
	t.Logf("everything is gone %v after kill -9", time.Since(killed).Round(time.Millisecond))

	if _, err := os.Stat(h.Dir); err != nil {
		t.Errorf("nobody could have removed %s: %v", h.Dir, err)
	}
	next, err := controlplane.Start(t.Context(), controlplane.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(h.Dir); err == nil {
		t.Errorf("%s is there after the next control plane was started", h.Dir)
	}
	dir, pids := next.Dir(), next.Pids()
	if err := next.Close(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(dir); err == nil {
		t.Errorf("%s is there after Close", dir)
	}
	if left, err := sandbox.Left(pids, nil); err != nil || len(left) > 0 {
		t.Errorf("after Close: %v %v", left, err)
	}
}
