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

package linuxptp

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/fsnotify/fsnotify"
)

// DefaultSockets are the places where linuxptp, linuxptp-daemon, StarlingX and
// timemaster put the read-write management socket (uds_address) of ptp4l.
func DefaultSockets() []string {
	return []string{
		"/var/run/ptp4l",
		"/var/run/ptp4l.*.socket",
		"/var/run/ptp4l-*",
		"/var/run/ptp/ptp4l",
		"/var/run/ptp/ptp4l.*.socket",
		"/var/run/timemaster/ptp4l.*.socket",
	}
}

// rescan bounds how long a change can go unnoticed where the kernel could not be
// asked to report it: a directory that does not exist yet has nothing to watch.
const rescan = 5 * time.Second

// finder finds the sockets that match its patterns.
type finder struct {
	patterns []string
	// named is whether the patterns were configured. Who names a ptp4l wants to hear
	// that it is absent; the default places are only looked at.
	named bool
}

// newFinder returns a finder for patterns, or for the default places if there are
// none. It refuses patterns that can never match.
func newFinder(patterns []string) (*finder, error) {
	if len(patterns) == 0 {
		return &finder{patterns: DefaultSockets()}, nil
	}
	for _, p := range patterns {
		if _, err := filepath.Match(p, ""); err != nil {
			return nil, fmt.Errorf("socket pattern %q: %w: close the bracket or escape it", p, err)
		}
		if !filepath.IsAbs(p) {
			return nil, fmt.Errorf("socket pattern %q: must be an absolute path, because ptp4l answers to a path", p)
		}
		if hasMeta(filepath.Dir(p)) {
			return nil, fmt.Errorf("socket pattern %q: wildcards are allowed in the last part only; name each directory", p)
		}
	}
	return &finder{patterns: patterns, named: true}, nil
}

// find returns the paths of all sockets, sorted. A path that was named without
// wildcards counts as found even if nothing is there.
func (f *finder) find() []string {
	var found []string
	for _, p := range f.patterns {
		if f.named && !hasMeta(p) {
			found = append(found, p)
			continue
		}
		matches, err := filepath.Glob(p)
		if err != nil {
			continue // newFinder has refused malformed patterns
		}
		found = append(found, slices.DeleteFunc(matches, func(m string) bool { return !isSocket(m) || isReadOnly(m) })...)
	}
	slices.Sort(found)
	return slices.Compact(found)
}

func hasMeta(p string) bool { return strings.ContainsAny(p, `*?[`) }

func isSocket(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().Type() == fs.ModeSocket
}

// isReadOnly is whether the name is that of ptp4l's second, read-only socket
// (uds_ro_address, ptp4lro by default), which is the same clock once more.
func isReadOnly(path string) bool {
	name := filepath.Base(path)
	return strings.HasPrefix(name, "ptp4lro") || strings.HasSuffix(name, ".ro")
}

// watch calls changed with the sockets found: at the start, whenever a socket that
// matches was created or removed, and every rescan. It returns when ctx ends.
func (f *finder) watch(ctx context.Context, changed func(found []string)) {
	var events chan fsnotify.Event
	var failures chan error
	watcher, err := fsnotify.NewWatcher()
	if err == nil { // otherwise inotify is exhausted on this node, and the rescan has to do
		defer watcher.Close()
		events, failures = watcher.Events, watcher.Errors
	}
	ticker := time.NewTicker(rescan)
	defer ticker.Stop()
	for {
		if watcher != nil {
			for _, p := range f.patterns {
				// Adding a directory again changes nothing, and one that is missing is
				// tried again at the next rescan.
				_ = watcher.Add(filepath.Dir(p))
			}
		}
		changed(f.find())
		for waiting := true; waiting; {
			select {
			case <-ctx.Done():
				return
			case <-ticker.C:
				waiting = false
			case err := <-failures: // an overflow: the search sees what the events would have said
				waiting = err == nil
			case e := <-events:
				waiting = !e.Has(fsnotify.Create|fsnotify.Remove|fsnotify.Rename) || !f.matches(e.Name)
			}
		}
	}
}

func (f *finder) matches(path string) bool {
	return slices.ContainsFunc(f.patterns, func(p string) bool {
		ok, err := filepath.Match(p, path)
		return ok && err == nil
	})
}
