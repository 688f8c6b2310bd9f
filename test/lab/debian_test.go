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

package lab

import (
	"strings"
	"testing"
)

func TestOSCodename(t *testing.T) {
	for _, test := range []struct{ name, osRelease, want string }{
		{"Debian", "ID=debian\nVERSION_CODENAME=bookworm\n", "bookworm"},
		{"quoted", "VERSION_CODENAME=\"trixie\"\nID=\"debian\"", "trixie"},
		{"Debian without a release", "ID=debian\n", ""},
		{"derivative", "ID=ubuntu\nID_LIKE=debian\nVERSION_CODENAME=noble\n", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := osCodename(test.osRelease); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func TestMirrorOf(t *testing.T) {
	for _, test := range []struct{ name, targets, want string }{
		{"first of the release", "http://a/ bookworm main\nhttp://b/ bookworm main\n", "http://a/"},
		{"other archives are passed over", "http://x/ bookworm-security main\nhttp://y/ nodistro main\nhttp://a/ bookworm main\n", "http://a/"},
		{"named by suite", "http://a/ stable main\n", "http://a/"},
		{"other components are passed over", "http://a/ bookworm contrib\n", ""},
		{"none", "", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := mirrorOf(test.targets, "bookworm"); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func TestFindOfAnUnknownVersionNamesTheKnown(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	_, err := Find(t.Context(), "2.0")
	if err == nil || !strings.Contains(err.Error(), "3.1.1, 4.2") {
		t.Errorf("error %v does not say what to choose from", err)
	}
}
