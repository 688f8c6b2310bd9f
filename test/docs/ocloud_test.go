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
	"slices"
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

// played is what docs/ocloud.md has one try: programs, and a ptp4l that plays a part.
type played struct {
	dir, address, socket, config string
	clock                        *simulator.Simulator
}

func play(t *testing.T) *played {
	t.Helper()
	page, err := docs.Read(root + "/docs/ocloud.md")
	if err != nil {
		t.Fatal(err)
	}
	config := regexp.MustCompile("(?s)```yaml\n(oCloud:.*?)```").FindStringSubmatch(page.Text)
	if config == nil {
		t.Fatal("docs/ocloud.md has no configuration of an adapter")
	}
	p := &played{dir: t.TempDir(), address: freeAddress(t)}
	p.config, p.socket = filepath.Join(p.dir, "ocloud.yaml"), filepath.Join(p.dir, "ptp4l.0.socket")
	if err := os.WriteFile(p.config, []byte(config[1]+"  address: "+p.address+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, what := range []string{"cmd/receive_adapter", "samples/ocloud-consumer"} {
		build := exec.CommandContext(t.Context(), "go", "build", "-o", p.dir+"/", "./"+what)
		build.Dir = root
		if out, err := build.CombinedOutput(); err != nil {
			t.Fatalf("build %s: %v: %s", what, err, out)
		}
	}
	clock := simulator.DefaultClock()
	clock.SlaveOnly = true
	p.clock, err = simulator.New(simulator.Config{Socket: p.socket, Clock: clock})
	if err != nil {
		t.Fatal(err)
	}
	if err := p.clock.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.clock.Close)
	return p
}

func (p *played) api() string { return "http://" + p.address + "/ocloudNotifications/v2" }

// adapter starts the adapter, and waits until it serves.
func (p *played) adapter(t *testing.T, more ...string) *program {
	t.Helper()
	args := append([]string{"-sink", "http://" + freeAddress(t), "-config", p.config, "-socket", p.socket, "-node", "n1", "-health", ""}, more...)
	a := begin(t, nil, filepath.Join(p.dir, "receive_adapter"), args...)
	a.prints(t, "serving the O-Cloud notification API")
	return a
}

// consumer starts the consumer that is written in Go.
func (p *played) consumer(t *testing.T, listen string) *program {
	t.Helper()
	return begin(t, nil, filepath.Join(p.dir, "ocloud-consumer"), "-api", p.api(), "-listen", listen, "-endpoint", "http://"+listen+"/event")
}

// kill ends a program as a machine does that stops.
func (p *program) kill(t *testing.T) {
	t.Helper()
	if err := p.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = p.Wait() // it says that it was killed
}

// What docs/ocloud.md has one try, tried: an adapter, and both consumers.
func TestOCloudPage(t *testing.T) {
	p := play(t)
	p.adapter(t)
	api, ptp4l := p.api(), p.clock
	listenPython := freeAddress(t)
	_, port, _ := strings.Cut(listenPython, ":")
	consumers := []*program{
		p.consumer(t, freeAddress(t)),
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

// Subscriptions and what they are owed outlive the consumer and the adapter, also where these are
// killed: every change comes, in order, though some may come again.
func TestOCloudOutlivesThoseWhoAreKilled(t *testing.T) {
	p := play(t)
	journal := filepath.Join(p.dir, "journal")
	adapter := p.adapter(t, "-journal", journal)
	listen := freeAddress(t)
	consumer := p.consumer(t, listen)
	const class = `(?m)^\S+ /sync/ptp-status/clock-class /cluster/node/n1/\S+/master %d$`
	consumer.prints(t, fmt.Sprintf(class, 6))
	consumer.prints(t, "subscribed")

	consumer.kill(t)
	p.clock.SetClass(7)
	adapter.prints(t, `"to":"7"`)
	p.clock.SetClass(13)
	adapter.prints(t, `"to":"13"`)
	consumer = p.consumer(t, listen)
	consumer.prints(t, "subscribed "+p.api()+"/subscriptions/")
	consumer.prints(t, fmt.Sprintf(class, 13))

	p.clock.SetClass(52)
	adapter.prints(t, `"to":"52"`)
	adapter.kill(t)
	p.clock.SetClass(187)
	p.adapter(t, "-journal", journal)
	consumer.prints(t, fmt.Sprintf(class, 187))
	// What was sent shortly before the adapter was killed may come again, and nothing is left out.
	order := []string{"255", "6", "7", "13", "52", "187"}
	before := slices.Index(order, "6") // as the consumer that was killed had it
	for _, line := range regexp.MustCompile(`(?m)^\S+ /sync/ptp-status/clock-class \S+ (\d+)$`).FindAllStringSubmatch(consumer.String(), -1) {
		now := slices.Index(order, line[1])
		if now < 0 || now > before+1 {
			t.Fatalf("after class %s comes %s:\n%s", order[before], line[1], consumer)
		}
		before = now
	}
	if order[before] != "187" {
		t.Errorf("the last class is %s", order[before])
	}
}
