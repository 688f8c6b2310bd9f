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
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/eventing-ptp/eventing-ptp/pkg/adapter/config"
	"github.com/eventing-ptp/eventing-ptp/pkg/observe/linuxptp"
)

func TestLoadDefaults(t *testing.T) {
	t.Setenv("K_SINK", "http://sink:8080/path")
	t.Setenv("NODE_NAME", "n1.example.com")
	env, err := Load(nil)
	if err != nil {
		t.Fatal(err)
	}
	c := env.Config
	if env.Sink != "http://sink:8080/path" || env.Node != "n1.example.com" || c.Cluster != "cluster" {
		t.Errorf("sink %q, node %q, cluster %q", env.Sink, env.Node, c.Cluster)
	}
	if c.Thresholds.LockOffset.Duration != 100*time.Nanosecond || c.Thresholds.HoldoverTimeout.Duration != 5*time.Second ||
		c.Delivery.Timeout.Duration != 10*time.Second || c.History != config.DefaultHistory() || c.Health.Address != ":8081" {
		t.Errorf("defaults differ from docs/configuration.md: %+v", c)
	}
}

// The watcher's own defaults are these, so that everything that is said of them is true wherever it is said.
func TestDefaultsAreTheWatchers(t *testing.T) {
	got, want := watching(config.Default()), linuxptp.DefaultConfig()
	if got.SyncIntervals != want.SyncIntervals || got.SyncTimeout != want.SyncTimeout {
		t.Errorf("%d intervals and %v, want %d and %v", got.SyncIntervals, got.SyncTimeout, want.SyncIntervals, want.SyncTimeout)
	}
}

// The configuration that is printed in the documentation must be the default one.
func TestDocumentedConfigurationIsTheDefault(t *testing.T) {
	page, err := os.ReadFile("../../docs/configuration.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, ok := strings.Cut(string(page), "```yaml\n")
	text, _, closed := strings.Cut(rest, "```")
	if !ok || !closed {
		t.Fatal("docs/configuration.md has no yaml block")
	}
	documented := config.Config{}
	if err := documented.Parse(text, "docs/configuration.md"); err != nil {
		t.Fatal(err)
	}
	want := config.Default()
	want.Linuxptp.Sockets = []string{}
	if diff := cmp.Diff(want, documented); diff != "" {
		t.Errorf("default (-) and documented (+) differ:\n%s", diff)
	}
}

func TestLoadPrecedence(t *testing.T) {
	file := filepath.Join(t.TempDir(), "config.yaml")
	if err := os.WriteFile(file, []byte("thresholds: {lockOffset: 20us, unlockOffset: 50us}\nhistory: {entries: 7}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("K_SINK", "http://from-environment")
	t.Setenv("K_SINK_TIMEOUT", "3")
	t.Setenv("K_SOURCE_CONFIG", `{"thresholds":{"lockOffset":"1us"},"linuxptp":{"sockets":["/a"],"domain":24},"history":{"entries":5}}`)
	env, err := Load([]string{"-sink", "http://from-flag", "-config", file, "-socket", "/b", "-socket", "/c*", "-node", "n", "-health", ""})
	if err != nil {
		t.Fatal(err)
	}
	c := env.Config
	if env.Sink != "http://from-flag" || env.Node != "n" || c.Health.Address != "" {
		t.Errorf("flags do not win: %q %q %q", env.Sink, env.Node, c.Health.Address)
	}
	if got := strings.Join(c.Linuxptp.Sockets, " "); got != "/b /c*" {
		t.Errorf("sockets %q, want those of the flags", got)
	}
	if c.Thresholds.LockOffset.Duration != 20*time.Microsecond || c.History.Entries != 7 {
		t.Errorf("the file does not win over the environment: %+v", c)
	}
	if c.Linuxptp.Domain == nil || *c.Linuxptp.Domain != 24 {
		t.Errorf("domain of the environment is lost: %v", c.Linuxptp.Domain)
	}
	if c.Delivery.Timeout.Duration != 3*time.Second {
		t.Errorf("delivery.timeout %v, want K_SINK_TIMEOUT", c.Delivery.Timeout.Duration)
	}
}

func TestLoadRefuses(t *testing.T) {
	for _, tc := range []struct {
		name   string
		config string
		args   []string
		env    map[string]string
		want   string // part of the message
	}{
		{name: "no sink", args: []string{"-sink", ""}, want: "no sink: set K_SINK or -sink"},
		{name: "sink without scheme", args: []string{"-sink", "localhost:8080"}, want: "sink: not an absolute http or https URL"},
		{name: "sink with a password, which is not repeated", args: []string{"-sink", "ftp://u:secret@h"}, want: "sink: not an absolute http or https URL: write it like http://host:port/path"},
		{name: "unknown key", config: `{"thresholds":{"lockOfset":"1us"}}`, want: `K_SOURCE_CONFIG: unknown field "lockOfset"; docs/configuration.md`},
		{name: "key given twice", config: "cluster: a\ncluster: b\n", want: `key "cluster" already set`},
		{name: "no YAML", config: "{", want: "K_SOURCE_CONFIG: not valid YAML or JSON"},
		{name: "duration without unit", config: `{"thresholds":{"lockOffset":"100"}}`, want: `missing unit in duration "100"`},
		{name: "threshold of the wrong sign", config: `{"thresholds":{"lockOffset":"-100ns"}}`, want: "thresholds: lockOffset is -100ns; it must be positive"},
		{name: "thresholds out of order", config: `{"thresholds":{"lockOffset":"1us"}}`, want: "thresholds: unlockOffset is 200ns; it must be at least lockOffset (1µs)"},
		{name: "silence without intervals", config: `{"thresholds":{"syncIntervals":1}}`, want: "thresholds: syncIntervals is 1; it must be 2 or more"},
		{name: "silence without time", config: `{"thresholds":{"syncTimeout":"0s"}}`, want: "thresholds: syncTimeout is 0s; it must be positive"},
		{name: "OS clock without time", config: `{"thresholds":{"osClockTimeout":"1s"}}`, want: "thresholds: osClockTimeout is 1s; it must be at least 3s"},
		{name: "a synce4l that is nowhere", config: `{"synce":{"synce4l":{"socket":"s","devices":["synce1"]}}}`, want: `synce: synce4l: socket is "s"; it must be an absolute path`},
		{name: "a path that takes no time", config: `{"thresholds":{"maxPathDelay":"0s"}}`, want: "thresholds: maxPathDelay is 0s; it must be positive"},
		{name: "an OS clock that is nowhere near", config: `{"thresholds":{"osClockOffset":"0s"}}`, want: "thresholds: osClockOffset is 0s; it must be positive"},
		{name: "hardware clocks that are read all the time", config: `{"hardwareClock":{"pollInterval":"49ms"}}`, want: "hardwareClock: pollInterval is 49ms; it must be 50ms or more"},
		{name: "hardware clocks nowhere", config: `{"hardwareClock":{"directory":""}}`, want: `hardwareClock: directory is ""; it must be an absolute path`},
		{name: "what feeds the OS clock", config: `{"osClock":{"enabled":true,"fedBy":"gps"}}`, want: `osClock: fedBy is "gps"; it must be ptp or other`},
		{name: "gpsd without a port", config: `{"gnss":{"enabled":true,"gpsd":"localhost"}}`, want: `gnss: gpsd is "localhost"; it must be host:port, for example localhost:2947`},
		{name: "chronyd without a port", config: `{"osClock":{"chronyd":"localhost"}}`, want: `osClock: chronyd is "localhost"; it must be host:port, for example localhost:323`},
		{name: "transportSpecific out of range", config: `{"linuxptp":{"transportSpecific":16}}`, want: "linuxptp: transportSpecific is 16"},
		{name: "domain out of range", config: `{"linuxptp":{"domain":256}}`, want: "cannot unmarshal number 256 into Go struct field"},
		{name: "broken pattern", args: []string{"-socket", "/run/ptp4l["}, want: `socket pattern "/run/ptp4l[": syntax error in pattern`},
		{name: "relative path", args: []string{"-socket", "ptp4l"}, want: `socket pattern "ptp4l": must be an absolute path`},
		{name: "wildcard in a directory", args: []string{"-socket", "/run/*/ptp4l"}, want: "wildcards are allowed in the last part only"},
		{name: "cluster with a slash", config: `{"cluster":"a/b"}`, want: `cluster is "a/b"`},
		{name: "source format", config: `{"events":{"sourceFormat":"short"}}`, want: `events: sourceFormat is "short"; it must be full or oran`},
		{name: "no time-out", config: `{"delivery":{"timeout":"0s"}}`, want: "delivery: timeout is 0s"},
		{name: "event type", config: `{"events":{"types":["event.sync.ptp-status.ptp-state"]}}`, want: `events: types names "event.sync.ptp-status.ptp-state", which is no event type`},
		{name: "backoff policy", config: `{"delivery":{"backoffPolicy":"fast"}}`, want: `delivery: backoffPolicy is "fast"; it must be exponential or linear`},
		{name: "negative retries", config: `{"delivery":{"retry":-1}}`, want: "delivery: retry is -1"},
		{name: "backoff out of order", config: `{"delivery":{"backoffDelay":"20s"}}`, want: "delivery: backoffDelay is 20s and backoffMax 10s"},
		{name: "negative wait for a sink that asks", config: `{"delivery":{"retryAfterMax":"-1s"}}`, want: "delivery: retryAfterMax is -1s"},
		{name: "backlog", config: `{"delivery":{"backlog":"latest"}}`, want: `delivery: backlog is "latest"; it must be All or LatestPerResource`},
		{name: "re-assertion all the time", config: `{"events":{"reassertEvery":"59s"}}`, want: "events: reassertEvery is 59s; it must be 1m0s or more, or 0 (never)"},
		{name: "dead letter sink", config: `{"delivery":{"deadLetterSink":"nowhere"}}`, want: "delivery: deadLetterSink: not an absolute http or https URL"},
		{name: "no history", config: `{"history":{"entries":0}}`, want: "history: entries is 0"},
		{name: "a history of nothing", config: `{"history":{"maxBytes":1000}}`, want: "history: maxBytes is 1000; it must be 1048576 (1 MiB) or more"},
		{name: "a history of the future", config: `{"history":{"maxAge":"-1h"}}`, want: "history: maxAge is -1h0m0s; it must be positive, for example 168h, or 0s (for ever)"},
		{name: "a directory from nowhere", config: `{"history":{"directory":"journal"}}`, want: `history: directory is "journal"; it must be an absolute path`},
		{name: "time-out of Knative", env: map[string]string{"K_SINK_TIMEOUT": "5s"}, want: `K_SINK_TIMEOUT is "5s"; it must be a whole number of seconds`},
		{name: "missing file", args: []string{"-config", "/does/not/exist"}, want: "no such file"},
		{name: "stray argument", args: []string{"http://sink"}, want: `unexpected argument "http://sink"`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Setenv("K_SINK", "http://sink")
			t.Setenv("K_SOURCE_CONFIG", tc.config)
			for name, value := range tc.env {
				t.Setenv(name, value)
			}
			_, err := Load(tc.args)
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Fatalf("got %v, want %q in it", err, tc.want)
			}
			if strings.Contains(err.Error(), "secret") || strings.Contains(err.Error(), "\n") {
				t.Errorf("%q shows a secret or takes more than a line", err)
			}
		})
	}
}
