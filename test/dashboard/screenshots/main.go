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

// Command screenshots makes the pictures of docs/dashboard.md, with the real program and a
// played cluster.
//
//	cd test/dashboard && go run ./screenshots
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/eventing-ptp/eventing-ptp/pkg/clock"

	"github.com/eventing-ptp/eventing-ptp/test/dashboard"
	"github.com/eventing-ptp/eventing-ptp/test/dashboard/fleet"
)

const repository = "../.."

func main() {
	to := filepath.Join(repository, "docs", "images")
	if len(os.Args) > 1 {
		to = os.Args[1]
	}
	if err := run(context.Background(), to); err != nil {
		fmt.Fprintln(os.Stderr, "screenshots:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, to string) error {
	directory, err := os.MkdirTemp("", "screenshots")
	if err != nil {
		return err
	}
	defer os.RemoveAll(directory)
	program, err := dashboard.Build(ctx, repository, directory)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(to, 0o755); err != nil {
		return err
	}
	c := &camera{program: program, directory: directory, to: to}
	return errors.Join(c.small(ctx), c.large(ctx))
}

// camera takes pictures into a directory.
type camera struct{ program, directory, to string }

// take takes a picture of what the page shows when an expression holds.
func (c *camera) take(s *dashboard.Session, name, scheme, when string) error {
	if err := s.Colours(scheme); err != nil {
		return err
	}
	if err := s.Wait(when, time.Minute); err != nil {
		return err
	}
	if wrong := s.Errors(); len(wrong) > 0 {
		return fmt.Errorf("in the page: %q", wrong)
	}
	time.Sleep(300 * time.Millisecond) // colours change gently
	picture, err := chromedp.Run(s.Tab, chromedp.CaptureScreenshot())
	if err != nil {
		return fmt.Errorf("take %s: %w", name, err)
	}
	if picture, err = reduce(picture); err != nil {
		return fmt.Errorf("take %s: %w", name, err)
	}
	fmt.Printf("%s: %d KiB\n", name, len(picture)/1024)
	return os.WriteFile(filepath.Join(c.to, name), picture, 0o644) //nolint:gosec // everybody may see it
}

// small shows a fleet of 60 nodes, light and dark, and one of them.
func (c *camera) small(ctx context.Context) (err error) {
	f, all, s, err := c.open(ctx, 60, "3s")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close(), f.Close()) }()
	all[22].SetDeaf(true)
	if err := s.Wait(`document.querySelectorAll(".tile.unknown").length === 1 && document.querySelector(".chip.locked b").innerText > 50`, time.Minute); err != nil {
		return err
	}
	if err := c.take(s, "dashboard-light.png", "light", `document.querySelectorAll(".row:not([hidden])").length > 10`); err != nil {
		return err
	}
	if err := c.take(s, "dashboard-dark.png", "dark", `true`); err != nil {
		return err
	}
	if _, err := dashboard.Ask[string](s, fmt.Sprintf(`location.hash = [...document.querySelectorAll(".tile")].find(e => e.innerText.includes(%q)).hash`, all[0].Node)); err != nil {
		return err
	}
	// Something happens while it is looked at, and there are offsets before and after.
	time.Sleep(60 * time.Second)
	if err := play(all[0], fleet.Loss(0, clock.PortNotSlave, 12*time.Second, 30*time.Second)...); err != nil {
		return err
	}
	time.Sleep(25 * time.Second)
	if err := play(all[0], fleet.Loss(0, clock.SyncSilent, 0, 9*time.Second)...); err != nil {
		return err
	}
	time.Sleep(20 * time.Second)
	if _, err := dashboard.Ask[bool](s, `[...document.querySelectorAll(".ranges button")].find(b => b.innerText === "5 min").click(), true`); err != nil {
		return err
	}
	if err := c.take(s, "dashboard-node.png", "dark", `document.querySelectorAll(".segment").length > 6`); err != nil {
		return err
	}
	if err := c.take(s, "dashboard-node-light.png", "light", `true`); err != nil {
		return err
	}
	if err := chromedp.Do(s.Tab, chromedp.EmulateViewport(400, 820)); err != nil {
		return err
	}
	return c.take(s, "dashboard-narrow.png", "dark", `true`)
}

// play has changes happen when it is their time.
func play(a *fleet.Adapter, steps ...fleet.Step) error {
	began := time.Now()
	for _, s := range steps {
		time.Sleep(time.Until(began.Add(s.After)))
		if err := a.Story(time.Now(), fleet.Step{Change: s.Change}); err != nil {
			return err
		}
	}
	return nil
}

// large shows a fleet of 1,000 nodes.
func (c *camera) large(ctx context.Context) (err error) {
	f, _, s, err := c.open(ctx, 1000, "1m")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close(), f.Close()) }()
	if err := s.Wait(`document.querySelector(".chip.locked b").innerText > 980`, 2*time.Minute); err != nil {
		return err
	}
	return c.take(s, "dashboard-1000.png", "dark", `document.querySelectorAll(".row:not([hidden])").length > 10`)
}

func (c *camera) open(ctx context.Context, n int, timeout string) (*fleet.Fleet, []*fleet.Adapter, *dashboard.Session, error) {
	f, err := fleet.New()
	if err != nil {
		return nil, nil, nil, err
	}
	all, err := f.Populate(n, time.Now())
	if err != nil {
		return nil, nil, nil, errors.Join(err, f.Close())
	}
	directory := filepath.Join(c.directory, fmt.Sprint(n))
	if err := os.Mkdir(directory, 0o700); err != nil {
		return nil, nil, nil, errors.Join(err, f.Close())
	}
	s, err := dashboard.Start(ctx, c.program, directory, f, "--timeout", timeout)
	if err != nil {
		return nil, nil, nil, errors.Join(err, f.Close())
	}
	return f, all, s, nil
}
