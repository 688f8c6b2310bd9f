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

package crash

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// adapter is one life of the receive adapter.
type adapter struct {
	*exec.Cmd
	log   *log
	ended chan struct{}
	err   error // of Wait; to be read after ended
}

// log reads what an adapter says.
type log struct {
	life int
	book *book

	mu   sync.Mutex
	rest []byte // of a line that is not whole
	last []string
	said map[string]int // how often a message came
	bad  []string       // lines of a journal that is in trouble
}

// line is what is read of a line of the log.
type line struct {
	Message  string `json:"message"`
	Resource string `json:"resource"`
	Instance string `json:"instance"`
	From     string `json:"from"`
	To       string `json:"to"`
	ID       string `json:"id"`
}

// keep is how many lines are shown when something goes wrong.
const keep = 200

// Write takes lines. The last one of an adapter that is killed may be cut short.
func (l *log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.rest = append(l.rest, p...)
	for {
		text, rest, whole := bytes.Cut(l.rest, []byte("\n"))
		if !whole {
			return len(p), nil
		}
		l.take(string(text))
		l.rest = bytes.Clone(rest)
	}
}

func (l *log) take(text string) {
	l.last = append(l.last, text)
	l.last = l.last[max(0, len(l.last)-keep):]
	var m line
	if json.Unmarshal([]byte(text), &m) != nil {
		return // what the Go runtime says
	}
	l.said[m.Message]++
	switch {
	case m.Message == "changed":
		l.book.record(record{l.life, m.ID, resourceOf(m.Resource, m.Instance), m.From, m.To})
	case strings.HasSuffix(m.Message, "and it was skipped"):
		l.book.skip(l.life, m.ID)
	case strings.Contains(m.Message, "journal cannot be"), strings.Contains(m.Message, "file of the journal"), strings.Contains(m.Message, "please report"):
		l.bad = append(l.bad, text)
	}
}

// times is how often a message came.
func (l *log) times(message string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.said[message]
}

func (l *log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Join(l.last, "\n")
}

// config is the adapter's configuration.
type config map[string]any

// launch starts an adapter.
func launch(program, sink, sockets, directory string, c config, l *log) (*adapter, error) {
	text, err := json.Marshal(c)
	if err != nil {
		return nil, err
	}
	a := &adapter{Cmd: exec.CommandContext(context.Background(), program, "-sink", sink, "-node", "n1", "-socket", sockets, "-journal", directory), log: l, ended: make(chan struct{})}
	a.Env = append(os.Environ(), "K_SOURCE_CONFIG="+string(text), "PROFILING_PORT=0")
	a.Stdout, a.Stderr = l, l
	a.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := a.Start(); err != nil {
		return nil, err
	}
	go func() {
		a.err = a.Wait()
		close(a.ended)
	}()
	return a, nil
}

// running is whether it has not ended by itself.
func (a *adapter) running() bool {
	select {
	case <-a.ended:
		return false
	default:
		return true
	}
}

// kill ends the adapter as the kernel does that has no memory left.
func (a *adapter) kill(t *testing.T) {
	t.Helper()
	if !a.running() {
		t.Fatalf("the adapter has ended by itself: %v\n%s", a.err, a.log)
	}
	if err := a.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	<-a.ended
}

// abort ends an adapter that does not do what it should, and returns what it has said and
// what each of its goroutines was doing.
func (a *adapter) abort() string {
	said := a.log.String()
	if a.Process.Signal(syscall.SIGQUIT) == nil {
		<-a.ended
	}
	return said + "\n" + a.log.String()
}

// stop ends the adapter as Kubernetes does.
func (a *adapter) stop() error {
	if err := a.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	select {
	case <-a.ended:
		return a.err
	case <-time.After(patience):
		return errors.Join(fmt.Errorf("the adapter does not end within %v of SIGTERM", patience), a.Process.Kill())
	}
}
