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

package kube

import (
	"os"
	"path/filepath"
	"testing"
)

func TestLinkerFlagsStampTheVersion(t *testing.T) {
	const want = "-s -w -X k8s.io/component-base/version.gitVersion=v1.35.4 -X k8s.io/component-base/version.gitMajor=1 " +
		"-X k8s.io/component-base/version.gitMinor=35 -X k8s.io/client-go/pkg/version.gitVersion=v1.35.4"
	if got := linkerFlags("v1.35.4"); got != want {
		t.Errorf("got %s", got)
	}
}

func TestHashFollowsEveryFile(t *testing.T) {
	dir := t.TempDir()
	seen := map[string]bool{}
	for _, content := range [][2]string{{"1", "2"}, {"2", "1"}, {"12", ""}, {"1", "2 "}} {
		for i, name := range []string{"a", "b"} {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(content[i]), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		hash, err := hashFiles(dir, "a", "b")
		if err != nil {
			t.Fatal(err)
		}
		if seen[hash] {
			t.Errorf("%q has the hash of something else", content)
		}
		seen[hash] = true
	}
	if _, err := hashFiles(dir, "a", "absent"); err == nil {
		t.Error("a file that is not there has a hash")
	}
}
