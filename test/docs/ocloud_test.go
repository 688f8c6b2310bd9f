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

package docs_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/eventing-ptp/eventing-ptp/pkg/observe/linuxptp/simulator"
	"github.com/eventing-ptp/eventing-ptp/test/docs"
)

// program is one that runs, and what it has printed.
type program struct {
	*exec.Cmd
	mu      sync.Mutex
	printed bytes.Buffer
}

func (p *program) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.printed.Write(b)
}

func (p *program) String() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.printed.String()
}

// begin runs a program until the test ends.
func begin(t *testing.T, env []string, name string, args ...string) *program {
	t.Helper()
	p := &program{Cmd: exec.Command(name, args...)}
	p.Env, p.Dir, p.Stdout, p.Stderr = append(os.Environ(), env...), root, p, p
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if p.ProcessState == nil {
			_ = p.Process.Kill()
			_ = p.Wait()
		}
	})
	return p
}

// prints waits until a program has printed something.
func (p *program) prints(t *testing.T, what string) {
	t.Helper()
	const patience = 30 * time.Second
	for deadline := time.Now().Add(patience); !regexp.MustCompile(what).MatchString(p.String()); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s has not printed %q within %v, but:\n%s", p.Path, what, patience, p)
		}
	}
}

// What docs/ocloud.md has one try, tried: an adapter, and both consumers.
func TestOCloudPage(t *testing.T) {
	page, err := docs.Read(root + "/docs/ocloud.md")
	if err != nil {
		t.Fatal(err)
	}
	config := regexp.MustCompile("(?s)```yaml\n(oCloud:.*?)```").FindStringSubmatch(page.Text)
	if config == nil {
		t.Fatal("docs/ocloud.md has no configuration of an adapter")
	}
	dir := t.TempDir()
	file := filepath.Join(dir, "ocloud.yaml")
	address := freeAddress(t)
	if err := os.WriteFile(file, []byte(config[1]+"  address: "+address+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, what := range []string{"cmd/receive_adapter", "samples/ocloud-consumer"} {
		build := exec.CommandContext(t.Context(), "go", "build", "-o", dir+"/", "./"+what)
		build.Dir = root
		if out, err := build.CombinedOutput(); err != nil {
			t.Fatalf("build %s: %v: %s", what, err, out)
		}
	}
	clock := simulator.DefaultClock()
	clock.SlaveOnly = true
	socket := filepath.Join(dir, "ptp4l.0.socket")
	ptp4l, err := simulator.New(simulator.Config{Socket: socket, Clock: clock})
	if err != nil {
		t.Fatal(err)
	}
	if err := ptp4l.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(ptp4l.Close)

	adapter := begin(t, nil, filepath.Join(dir, "receive_adapter"), "-sink", "http://"+freeAddress(t), "-config", file, "-socket", socket, "-node", "n1", "-health", "")
	adapter.prints(t, "serving the O-Cloud notification API")
	api := "http://" + address + "/ocloudNotifications/v2"
	listenGo, listenPython := freeAddress(t), freeAddress(t)
	_, port, _ := strings.Cut(listenPython, ":")
	consumers := []*program{
		begin(t, nil, filepath.Join(dir, "ocloud-consumer"), "-api", api, "-listen", listenGo, "-endpoint", "http://"+listenGo+"/event"),
		begin(t, nil, "python3", "samples/ocloud-consumer/consumer.py", "--api", api, "--port", port, "--endpoint", "http://"+listenPython+"/event"),
	}
	const changed = `(?m)^\S+ /sync/ptp-status/%s /cluster/node/n1/\S+/master %s$`
	for _, c := range consumers {
		c.prints(t, "subscribed "+api+"/subscriptions/")
		c.prints(t, fmt.Sprintf(changed, "lock-state", "LOCKED"))
	}
	ptp4l.SetClass(7)
	for _, c := range consumers {
		c.prints(t, fmt.Sprintf(changed, "clock-class", "7"))
		if err := c.Process.Signal(syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
		if err := c.Wait(); err != nil {
			t.Errorf("%s: %v:\n%s", c.Path, err, c)
		}
	}
	response, err := http.Get(api + "/subscriptions")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if left, err := io.ReadAll(response.Body); err != nil || string(left) != "[]\n" {
		t.Errorf("subscriptions are left: %s, %v", left, err)
	}
}
