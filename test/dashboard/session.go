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

// Package dashboard looks at `kn source ptp dashboard` as people do: the program runs beside
// a played cluster, and a browser shows its page.
package dashboard

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/eventing-ptp/eventing-ptp/test/golang"

	"github.com/eventing-ptp/eventing-ptp/test/dashboard/browser"
	"github.com/eventing-ptp/eventing-ptp/test/dashboard/fleet"
)

// root is where the repository is, from this directory.
const root = "../.."

// Build builds the program into a directory, and returns where it is.
func Build(ctx context.Context, root, directory string) (string, error) {
	program := filepath.Join(directory, "kn-source-ptp")
	_, err := golang.Output(ctx, root, "build", "-o", program, "./cmd/kn-source-ptp")
	return program, err
}

// Session is a program with its page in a browser.
type Session struct {
	// URL is where the page is.
	URL string
	// Tab is the page in the browser.
	Tab context.Context

	program *exec.Cmd
	end     context.CancelFunc

	mu     sync.Mutex
	errors []string
}

// Start runs the program for a cluster, with these arguments besides, and opens its page. What
// it needs of files is in a directory that is there.
func Start(ctx context.Context, program, directory string, f *fleet.Fleet, args ...string) (_ *Session, err error) {
	config := filepath.Join(directory, "kubeconfig")
	if err := f.WriteKubeconfig(config); err != nil {
		return nil, err
	}
	s := &Session{program: exec.CommandContext(ctx, program, append([]string{"dashboard", "-A", "--kubeconfig", config}, args...)...)}
	s.program.Stderr = os.Stderr
	s.program.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	out, err := s.program.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := s.program.Start(); err != nil {
		return nil, err
	}
	s.Tab, s.end = browser.New(ctx, filepath.Join(directory, "profile"))
	defer func() {
		if err != nil {
			err = errors.Join(err, s.Close())
		}
	}()
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		return nil, fmt.Errorf("the program prints no address: %w", err)
	}
	go func() { _, _ = io.Copy(io.Discard, out) }()
	s.URL = strings.TrimSpace(line)
	if err := chromedp.Do(s.Tab, chromedp.EmulateViewport(1280, 800)); err != nil {
		return nil, err
	}
	// A page that has no window over it has the focus, as with a person.
	if _, err := chromedp.Call(s.Tab, emulation.SetFocusEmulationEnabled, emulation.SetFocusEmulationEnabledParams{Enabled: true}); err != nil {
		return nil, err
	}
	if err := chromedp.Listen(s.Tab, s.hear); err != nil {
		return nil, err
	}
	return s, chromedp.Do(s.Tab, chromedp.Navigate(s.URL))
}

// hear takes down what goes wrong in the page.
func (s *Session) hear(event any) {
	var text string
	switch e := event.(type) {
	case *runtime.EventExceptionThrown:
		text = e.ExceptionDetails.Text
		if thrown := e.ExceptionDetails.Exception; thrown != nil {
			text += ": " + thrown.Description
		}
	case *log.EventEntryAdded: // also what the policy of the page forbids
		if e.Entry.Level == log.EntryLevelError {
			text = e.Entry.Text + " " + e.Entry.URL
		}
	default:
		return
	}
	if text != "" {
		s.mu.Lock()
		s.errors = append(s.errors, text)
		s.mu.Unlock()
	}
}

// Errors are what has gone wrong in the page so far.
func (s *Session) Errors() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.errors)
}

// Close ends the browser and the program, as a user does.
func (s *Session) Close() error {
	s.end()
	if err := s.program.Process.Signal(os.Interrupt); err != nil {
		return err
	}
	return s.program.Wait()
}

// Pid is the program's.
func (s *Session) Pid() int { return s.program.Process.Pid }

// Colours has the page be seen by somebody who wants it dark, or light.
func (s *Session) Colours(scheme string) error {
	_, err := chromedp.Call(s.Tab, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
	})
	return err
}

// Press presses keys, one after the other, each of one letter, or of those in package kb.
func (s *Session) Press(keys ...string) error {
	for _, key := range keys {
		for _, r := range key {
			if err := s.press(r); err != nil {
				return fmt.Errorf("press %q: %w", key, err)
			}
		}
	}
	return nil
}

// press has the letter come with the key, as keyboards do: a page that takes a key for itself
// gets no letter of it.
func (s *Session) press(key rune) error {
	events := kb.Encode(key)
	down, up := *events[0], *events[len(events)-1]
	if len(events) == 3 {
		down.Text, down.UnmodifiedText = events[1].Text, events[1].UnmodifiedText
	}
	for _, e := range []input.DispatchKeyEventParams{down, up} {
		if _, err := chromedp.Call(s.Tab, input.DispatchKeyEvent, e); err != nil {
			return err
		}
	}
	return nil
}

// Ask evaluates an expression of JavaScript in the page.
func Ask[T any](s *Session, expression string) (T, error) {
	answer, err := chromedp.Run(s.Tab, chromedp.Evaluate[T](expression))
	if err != nil {
		return answer, fmt.Errorf("evaluate %s: %w", expression, err)
	}
	return answer, nil
}

// Wait waits until an expression is true, for so long at most.
func (s *Session) Wait(expression string, most time.Duration) error {
	for deadline := time.Now().Add(most); ; time.Sleep(20 * time.Millisecond) {
		holds, err := Ask[bool](s, "Boolean("+expression+")")
		if err != nil || holds {
			return err
		}
		if time.Now().After(deadline) {
			shown, _ := Ask[string](s, "document.body.innerText")
			return fmt.Errorf("after %v it does not hold that %s; the page shows:\n%s", most, expression, shown)
		}
	}
}
