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

package command

import (
	"bytes"
	"io"
	"os"
	"regexp"
	"runtime"
	"runtime/debug"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

func TestNames(t *testing.T) {
	for program, want := range map[string]string{"/usr/bin/kn-source-ptp": "kn source ptp", "kubectl-ptp": "kubectl ptp", "kn-source-ptp": "kn source ptp"} {
		c := newCluster(t)
		w, out, _ := c.world()
		if code := w.run(t.Context(), []string{program, "status", "--help"}); code != ok {
			t.Errorf("%s: status %d", program, code)
		}
		for _, line := range []string{"  " + want + " status [NODE...] [flags]\n", "  " + want + " status -A --watch\n"} {
			if !strings.Contains(out.String(), line) {
				t.Errorf("%s: the help has no %q:\n%s", program, line, out)
			}
		}
	}
}

// commands calls each with every command that has help of its own.
func commands(t *testing.T, each func(*cobra.Command)) {
	t.Helper()
	w := &world{in: strings.NewReader(""), out: io.Discard, err: io.Discard}
	for _, c := range w.root("kn source ptp").Commands() {
		each(c)
	}
}

// Examples are of commands and flags that are there.
func TestExamples(t *testing.T) {
	commands(t, func(c *cobra.Command) {
		if c.Example == "" || c.Short == "" {
			t.Errorf("%s has no example, or no description", c.Name())
		}
		for line := range strings.Lines(c.Example) {
			line = strings.TrimSpace(line)
			if line == "" || strings.HasPrefix(line, "#") {
				continue
			}
			rest, found := strings.CutPrefix(line, "kn source ptp "+c.Name())
			if !found {
				t.Errorf("%s: the example %q is of another command", c.Name(), line)
			}
			var args []string
			for _, word := range regexp.MustCompile(`'[^']*'|\S+`).FindAllString(rest, -1) {
				args = append(args, strings.Trim(word, "'"))
			}
			if err := c.ParseFlags(args); err != nil {
				t.Errorf("%q: %v", line, err)
			} else if err := c.ValidateArgs(c.Flags().Args()); err != nil {
				t.Errorf("%q: %v", line, err)
			}
		}
		c.Flags().VisitAll(func(f *pflag.Flag) {
			if f.Usage == "" || strings.HasSuffix(f.Usage, ".") {
				t.Errorf("%s --%s: its usage is %q", c.Name(), f.Name, f.Usage)
			}
		})
	})
}

// The page shows what the program says of itself.
func TestPage(t *testing.T) {
	text, err := os.ReadFile("../../../../docs/cli.md")
	if err != nil {
		t.Fatal(err)
	}
	shown := map[string]string{}
	for _, m := range regexp.MustCompile("(?s)```console\n\\$ kn source ptp (\\S+) --help\n(.*?)```").FindAllStringSubmatch(string(text), -1) {
		shown[m[1]] = m[2]
	}
	commands(t, func(c *cobra.Command) {
		var out bytes.Buffer
		c.SetOut(&out)
		c.InitDefaultHelpFlag() // as when it is run
		if err := c.Help(); err != nil {
			t.Fatal(err)
		}
		want := help(out.String())
		if diff := cmp.Diff(want, shown[c.Name()]); diff != "" {
			t.Errorf("docs/cli.md shows of %s (+) what it does not say (-):\n%s", c.Name(), diff)
		}
		delete(shown, c.Name())
	})
	for name := range shown {
		t.Errorf("docs/cli.md has the command %s, which is not there", name)
	}
}

// help is a help text without blanks at the ends of lines.
func help(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		b.WriteString(strings.TrimRight(line, " \n") + "\n")
	}
	return b.String()
}

func TestCompletion(t *testing.T) {
	c := newCluster(t)
	c.fleet()
	for _, shell := range []string{"bash", "zsh", "fish", "powershell"} {
		if code, out, _ := c.run("completion", shell); code != ok || len(out) < 1000 {
			t.Errorf("%s: status %d, %d bytes", shell, code, len(out))
		}
	}
	for _, tc := range []struct{ args, want string }{
		{"describe -n edge ", "fleet\n:4\n"},
		{"delete -n edge fleet ", ":4\n"},
		{"events --state ", "LOCKED\nHOLDOVER\nFREERUN\n:4\n"},
		{"create --source-format ", "full\noran\n:4\n"},
	} {
		args := append(strings.Fields(tc.args), "")
		code, out, _ := c.run(append([]string{"__complete"}, args...)...)
		if code != ok || out != tc.want {
			t.Errorf("%q: status %d, %q", tc.args, code, out)
		}
	}
}

func TestVersion(t *testing.T) {
	machine := runtime.Version() + " " + runtime.GOOS + "/" + runtime.GOARCH
	for want, info := range map[string]*debug.BuildInfo{
		"devel (" + machine + ")":              nil,
		"devel (" + machine + ", commit abc)":  {Main: debug.Module{Version: "(devel)"}, Settings: []debug.BuildSetting{{Key: "vcs.revision", Value: "abc"}}},
		"v0.1.0 (" + machine + ", commit abc)": {Main: debug.Module{Version: "v0.1.0"}, Settings: []debug.BuildSetting{{Key: "vcs.revision", Value: "abc"}}},
	} {
		if got := versionOf(info); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	c := newCluster(t)
	if code, out, _ := c.run("version"); code != ok || !strings.Contains(out, machine) {
		t.Errorf("status %d: %q", code, out)
	}
}
