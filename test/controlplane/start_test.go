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

package controlplane

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestFailedStartQuotesTheProgramThatFailed(t *testing.T) {
	binaries := t.TempDir()
	for name, script := range map[string]string{
		"etcd":           "echo no room on the device >&2; exit 3",
		"kube-apiserver": "while :; do sleep 0.01; done",
	} {
		if err := os.WriteFile(filepath.Join(binaries, name), []byte("#!/bin/sh\n"+script+"\n"), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	_, err := start(t.Context(), binaries, nil)
	if err == nil {
		t.Fatal("it has started")
	}
	for _, want := range []string{"etcd", "exit status 3", "no room on the device"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want it to say %q", err, want)
		}
	}
}
