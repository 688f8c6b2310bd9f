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

package adapter

import (
	"errors"
	"io"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// The log has a line for every change, however many come within a second.
func TestLogIsWhole(t *testing.T) {
	const lines = 500
	for name, tt := range map[string]struct {
		config      string
		least, most int
	}{
		"of itself":           {"", lines, lines},
		"empty":               {"{}", lines, lines},
		"another level":       {`{"zap-logger-config": "{\"level\": \"debug\"}", "loglevel.ptpsource": "info"}`, lines, lines},
		"a level for us":      {`{"loglevel.ptpsource": "error"}`, 0, 0},
		"sampling turned off": {`{"zap-logger-config": "{\"sampling\": null}"}`, lines, lines},
		"sampling asked for":  {`{"zap-logger-config": "{\"sampling\": {\"initial\": 7, \"thereafter\": 1000}}"}`, 7, lines - 1},
		// What the library falls back to, which has a line to say about it.
		"not JSON":        {`zap`, 1, lines},
		"not JSON inside": {`{"zap-logger-config": "zap"}`, 1, lines},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("K_LOGGING_CONFIG", tt.config)
			env, err := Load([]string{"-sink", "http://localhost"})
			if err != nil {
				t.Fatal(err)
			}
			env.SetComponent("ptpsource")
			got := written(t, func() {
				log := env.GetLogger()
				for n := range lines {
					log.Infow("changed", "n", n)
				}
			})
			if n := strings.Count(got, `"message":"changed"`); n < tt.least || n > tt.most {
				t.Errorf("%d lines of %d, want %d to %d:\n%.300s", n, lines, tt.least, tt.most, got)
			}
		})
	}
}

// written returns what is written to standard error.
func written(t *testing.T, write func()) string {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	stderr := int(os.Stderr.Fd()) // go test -json gives it standard output's
	kept, err := unix.Dup(stderr)
	if err == nil {
		err = unix.Dup2(int(w.Fd()), stderr)
	}
	if err != nil {
		t.Fatal(err)
	}
	text := make(chan string)
	go func() {
		b, _ := io.ReadAll(r)
		text <- string(b)
	}()
	write()
	if err := errors.Join(unix.Dup2(kept, stderr), unix.Close(kept), w.Close()); err != nil {
		t.Fatal(err)
	}
	return <-text
}
