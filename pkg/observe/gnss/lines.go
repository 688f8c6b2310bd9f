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

package gnss

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"time"
)

// longestLine is more than gpsd ever says at one go: some 200 satellites.
const longestLine = 64 << 10

// lines reads a connection line by line, until a deadline that costs nothing of what has
// come before it.
type lines struct {
	conn net.Conn
	buf  []byte
	have int // in buf
	used int // of these: the line that was returned last
}

func newLines(c net.Conn) *lines { return &lines{conn: c, buf: make([]byte, longestLine)} }

// next returns the next line, without its end. It is valid until the next call. The error is
// os.ErrDeadlineExceeded when none has come until the deadline; it may be tried again.
func (l *lines) next(deadline time.Time) ([]byte, error) {
	l.have = copy(l.buf, l.buf[l.used:l.have])
	l.used = 0
	for searched := 0; ; {
		if n := bytes.IndexByte(l.buf[searched:l.have], '\n'); n >= 0 {
			l.used = searched + n + 1
			return bytes.TrimSpace(l.buf[:l.used]), nil
		}
		searched = l.have
		if l.have == len(l.buf) {
			return nil, fmt.Errorf("%w: a line is longer than %d bytes", errNoJSON, longestLine)
		}
		if err := l.conn.SetReadDeadline(deadline); err != nil {
			return nil, err
		}
		n, err := l.conn.Read(l.buf[l.have:])
		l.have += n
		if n == 0 && err == nil {
			err = errors.New("nothing was read")
		}
		if n == 0 {
			return nil, err
		}
	}
}
