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

package journal

// Tail returns the reader called name behind all entries: those that there are count as
// acknowledged by it.
func (l *Log) Tail(name string) Cursor {
	l.mu.Lock()
	defer l.mu.Unlock()
	p := l.names[name]
	if p == nil {
		p = &place{}
		l.names[name] = p
	}
	last := l.next.Load() - 1
	p.acked.Store(max(p.acked.Load(), last))
	if l.disk != nil && !l.closed {
		l.writeAcksNow() // or a process that comes after this one would begin at the oldest entry
	}
	c := &cursor{log: l, name: name, place: p, closed: make(chan struct{})}
	c.next.Store(last + 1)
	return c
}

// Forget forgets what name has acknowledged. A cursor of that name that is open reads on,
// and its place is not kept.
func (l *Log) Forget(name string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, known := l.names[name]; !known {
		return
	}
	delete(l.names, name)
	if l.disk == nil || l.disk.file == nil || l.closed {
		return // the next file begins with those that are known
	}
	forget := appendFrame(nil, kindForget, func(to []byte) []byte { return append(to, name...) })
	if err := l.disk.write(forget); err != nil {
		l.diskFailed(err)
		return
	}
	l.syncSoon.in(groupCommit)
}

// Poll implements Cursor.
func (c *cursor) Poll() (Entry, bool) {
	select {
	case <-c.closed:
		return Entry{}, false
	case <-c.log.done:
		return Entry{}, false
	default:
		return c.read()
	}
}
