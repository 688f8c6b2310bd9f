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

package config_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/eventing-ptp/eventing-ptp/pkg/adapter/config"
	"github.com/eventing-ptp/eventing-ptp/pkg/clock"
)

// standard is the configuration of which nothing was said, but for a change.
func standard(change func(*config.Config)) config.Config {
	c := config.Config{
		Cluster:       "cluster",
		HardwareClock: config.HardwareClock{PollInterval: metav1.Duration{Duration: time.Second}, Directory: "/dev"},
		OSClock:       config.OSClock{FedBy: "ptp"},
		GNSS:          config.GNSS{GPSD: "localhost:2947"},
		Thresholds: config.Thresholds{
			LockOffset:      metav1.Duration{Duration: 100 * time.Nanosecond},
			UnlockOffset:    metav1.Duration{Duration: 200 * time.Nanosecond},
			LockSamples:     3,
			UnlockSamples:   3,
			HoldoverTimeout: metav1.Duration{Duration: 5 * time.Second},
			SyncIntervals:   4,
			SyncTimeout:     metav1.Duration{Duration: 500 * time.Millisecond},
			OSClockTimeout:  metav1.Duration{Duration: 5 * time.Second},
			OSClockOffset:   metav1.Duration{Duration: time.Microsecond},
			MaxPathDelay:    metav1.Duration{Duration: time.Millisecond},
		},
		Events: config.Events{SourceFormat: "full"},
		Delivery: config.Delivery{
			Timeout:       metav1.Duration{Duration: 10 * time.Second},
			BackoffPolicy: "exponential",
			BackoffDelay:  metav1.Duration{Duration: 100 * time.Millisecond},
			BackoffMax:    metav1.Duration{Duration: 10 * time.Second},
			RetryAfterMax: metav1.Duration{Duration: time.Minute},
			Backlog:       "All",
		},
		History: config.DefaultHistory(),
		OCloud:  config.OCloud{Address: ":9043", Auth: "None", Endpoints: "Cluster", RemoveAfter: metav1.Duration{Duration: 7 * 24 * time.Hour}, MaxSubscriptions: 1024},
		Health:  config.Health{Address: ":8081"},
	}
	if change != nil {
		change(&c)
	}
	return c
}

func TestDefault(t *testing.T) {
	if diff := cmp.Diff(standard(nil), config.Default()); diff != "" {
		t.Errorf("want (-) and got (+):\n%s", diff)
	}
	if err := config.Default().Thresholds.Validate(); err != nil {
		t.Errorf("the default thresholds make no sense: %v", err)
	}
}

func TestParse(t *testing.T) {
	for _, tc := range []struct {
		name, text string
		want       config.Config
	}{
		{name: "nothing", text: "", want: standard(nil)},
		{name: "a comment", text: "# nothing\n", want: standard(nil)},
		{name: "an empty object", text: "{}", want: standard(nil)},
		{
			name: "YAML over what was there", text: "thresholds:\n  lockOffset: 20us\n  unlockOffset: 50us\n",
			want: standard(func(c *config.Config) {
				c.Thresholds.LockOffset.Duration, c.Thresholds.UnlockOffset.Duration = 20*time.Microsecond, 50*time.Microsecond
			}),
		},
		{
			name: "every key, in JSON",
			text: `{
				"cluster": "site-7",
				"linuxptp": {"sockets": ["/var/run/ptp/ptp4l*"], "domain": 0, "transportSpecific": 1},
				"hardwareClock": {"enabled": true, "pollInterval": "50ms", "directory": "/host/dev"},
				"osClock": {"enabled": true, "fedBy": "other", "chronyd": "localhost:323"},
				"gnss": {"enabled": true, "gpsd": "gps:2948"},
				"synce": {"enabled": true, "synce4l": {"socket": "/run/s", "devices": ["synce1", "synce2"]}},
				"thresholds": {"lockOffset": "1us", "unlockOffset": "2us", "lockSamples": 5, "unlockSamples": 6, "holdoverTimeout": "1m",
					"syncIntervals": 7, "syncTimeout": "8s", "osClockTimeout": "9s", "osClockOffset": "10us", "maxPathDelay": "20us"},
				"events": {"types": ["event.sync.ptp-status.ptp-state-change"], "sourceFormat": "oran", "reassertEvery": "5m"},
				"delivery": {"timeout": "1s", "retry": 0, "backoffPolicy": "linear", "backoffDelay": "2s", "backoffMax": "3s",
					"retryAfterMax": "4s", "backlog": "LatestPerResource",
					"deadLetterSink": "http://dead.example.com", "deadLetterSinkAudience": "dead"},
				"history": {"entries": 9, "directory": "/j", "maxBytes": 2097152, "maxAge": "1h"},
				"oCloud": {"enabled": true, "address": "n1:443", "auth": "ServiceAccount", "endpoints": "Any", "allowedNetworks": ["192.0.2.0/24"],
					"tls": {"certificate": "/c", "key": "/k"}, "removeAfter": "2h", "maxSubscriptions": 3},
				"health": {"address": ""}
			}`,
			want: config.Config{
				Cluster:       "site-7",
				Linuxptp:      config.Linuxptp{Sockets: []string{"/var/run/ptp/ptp4l*"}, Domain: new(uint8(0)), TransportSpecific: new(uint8(1))},
				HardwareClock: config.HardwareClock{Enabled: true, PollInterval: metav1.Duration{Duration: 50 * time.Millisecond}, Directory: "/host/dev"},
				OSClock:       config.OSClock{Enabled: true, FedBy: "other", Chronyd: "localhost:323"},
				GNSS:          config.GNSS{Enabled: true, GPSD: "gps:2948"},
				SyncE:         config.SyncE{Enabled: true, Synce4l: &config.Synce4l{Socket: "/run/s", Devices: []string{"synce1", "synce2"}}},
				Thresholds: config.Thresholds{
					LockOffset:      metav1.Duration{Duration: time.Microsecond},
					UnlockOffset:    metav1.Duration{Duration: 2 * time.Microsecond},
					LockSamples:     5,
					UnlockSamples:   6,
					HoldoverTimeout: metav1.Duration{Duration: time.Minute},
					SyncIntervals:   7,
					SyncTimeout:     metav1.Duration{Duration: 8 * time.Second},
					OSClockTimeout:  metav1.Duration{Duration: 9 * time.Second},
					OSClockOffset:   metav1.Duration{Duration: 10 * time.Microsecond},
					MaxPathDelay:    metav1.Duration{Duration: 20 * time.Microsecond},
				},
				Events: config.Events{Types: []string{"event.sync.ptp-status.ptp-state-change"}, SourceFormat: "oran", ReassertEvery: metav1.Duration{Duration: 5 * time.Minute}},
				Delivery: config.Delivery{
					Timeout:                metav1.Duration{Duration: time.Second},
					Retry:                  new(0),
					BackoffPolicy:          "linear",
					BackoffDelay:           metav1.Duration{Duration: 2 * time.Second},
					BackoffMax:             metav1.Duration{Duration: 3 * time.Second},
					RetryAfterMax:          metav1.Duration{Duration: 4 * time.Second},
					Backlog:                "LatestPerResource",
					DeadLetterSink:         "http://dead.example.com",
					DeadLetterSinkAudience: "dead",
				},
				History: config.History{Directory: "/j", Entries: 9, MaxBytes: 2 << 20, MaxAge: metav1.Duration{Duration: time.Hour}},
				OCloud: config.OCloud{
					Enabled: true, Address: "n1:443", Auth: "ServiceAccount", Endpoints: "Any", AllowedNetworks: []string{"192.0.2.0/24"},
					TLS: config.TLS{Certificate: "/c", Key: "/k"}, RemoveAfter: metav1.Duration{Duration: 2 * time.Hour}, MaxSubscriptions: 3,
				},
			},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := config.Default()
			if err := got.Parse(tc.text, "here"); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("want (-) and got (+):\n%s", diff)
			}
		})
	}
}

func TestParseRefuses(t *testing.T) {
	for _, tc := range []struct{ name, text, want string }{
		{name: "an unknown key", text: "clutser: a", want: `here: unknown field "clutser"; docs/configuration.md lists every key`},
		{name: "an unknown key below", text: "thresholds: {lockOfset: 1us}", want: `here: unknown field "lockOfset"; docs/configuration.md lists every key`},
		{name: "a key in the wrong place", text: "lockOffset: 1us", want: `here: unknown field "lockOffset"; docs/configuration.md lists every key`},
		{
			name: "a key given twice", text: "cluster: a\ncluster: b\n",
			want: `here: not valid YAML or JSON: yaml: unmarshal errors: line 2: key "cluster" already set in map`,
		},
		{
			name: "a duration without its unit", text: `thresholds: {lockOffset: "100"}`,
			want: `here: time: missing unit in duration "100"; docs/configuration.md lists every key`,
		},
		{
			name: "a duration that is a number", text: "thresholds: {lockOffset: 100}",
			want: `here: cannot unmarshal number into Go struct field Thresholds.thresholds.lockOffset of type string; docs/configuration.md lists every key`,
		},
		{
			name: "a number that is text", text: `history: {entries: "9"}`,
			want: `here: cannot unmarshal string into Go struct field History.history.entries of type int; docs/configuration.md lists every key`,
		},
		{
			name: "a list", text: "[]",
			want: `here: cannot unmarshal array into Go value of type config.Config; docs/configuration.md lists every key`,
		},
		{
			name: "text", text: "http://sink",
			want: `here: cannot unmarshal string into Go value of type config.Config; docs/configuration.md lists every key`,
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := config.Default()
			err := c.Parse(tc.text, "here")
			if err == nil {
				t.Fatalf("it is taken: %+v", c)
			}
			if diff := cmp.Diff(tc.want, err.Error()); diff != "" {
				t.Errorf("want (-) and got (+):\n%s", diff)
			}
		})
	}
}

func TestThresholdsValidate(t *testing.T) {
	for _, tc := range []struct {
		name   string
		change func(*config.Thresholds)
		want   string // empty for what makes sense
	}{
		{name: "the default", change: func(*config.Thresholds) {}},
		{name: "equal offsets", change: func(t *config.Thresholds) { t.UnlockOffset = t.LockOffset }},
		{name: "the smallest of everything", change: func(t *config.Thresholds) {
			*t = config.Thresholds{
				LockOffset: metav1.Duration{Duration: 1}, UnlockOffset: metav1.Duration{Duration: 1}, LockSamples: 1, UnlockSamples: 1,
				SyncIntervals: 2, SyncTimeout: metav1.Duration{Duration: 1}, OSClockTimeout: metav1.Duration{Duration: 3 * time.Second}, OSClockOffset: metav1.Duration{Duration: 1}, MaxPathDelay: metav1.Duration{Duration: 1},
			}
		}},
		{
			name: "no lockOffset", change: func(t *config.Thresholds) { t.LockOffset.Duration = 0 },
			want: "thresholds: lockOffset is 0s; it must be positive, for example 100ns",
		},
		{
			name: "a negative lockOffset", change: func(t *config.Thresholds) { t.LockOffset.Duration = -1 },
			want: "thresholds: lockOffset is -1ns; it must be positive, for example 100ns",
		},
		{
			name: "offsets out of order", change: func(t *config.Thresholds) { t.UnlockOffset.Duration = 99 },
			want: "thresholds: unlockOffset is 99ns; it must be at least lockOffset (100ns), or a clock could be locked and unlocked by the same sample",
		},
		{
			name: "no lockSamples", change: func(t *config.Thresholds) { t.LockSamples = 0 },
			want: "thresholds: lockSamples is 0; it must be 1 or more",
		},
		{
			name: "negative unlockSamples", change: func(t *config.Thresholds) { t.UnlockSamples = -1 },
			want: "thresholds: unlockSamples is -1; it must be 1 or more",
		},
		{
			name: "a negative holdoverTimeout", change: func(t *config.Thresholds) { t.HoldoverTimeout.Duration = -1 },
			want: "thresholds: holdoverTimeout is -1ns; it must not be negative (0s means that a clock without a source is FREERUN at once)",
		},
		{
			name: "one Sync interval", change: func(t *config.Thresholds) { t.SyncIntervals = 1 },
			want: "thresholds: syncIntervals is 1; it must be 2 or more, because one late Sync is no silence",
		},
		{
			name: "no syncTimeout", change: func(t *config.Thresholds) { t.SyncTimeout.Duration = 0 },
			want: "thresholds: syncTimeout is 0s; it must be positive, for example 500ms",
		},
		{
			name: "an osClockTimeout that no clock keeps", change: func(t *config.Thresholds) { t.OSClockTimeout.Duration = 2999 * time.Millisecond },
			want: "thresholds: osClockTimeout is 2.999s; it must be at least 3s, because the kernel counts in seconds; for example 5s",
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			thresholds := config.DefaultThresholds()
			tc.change(&thresholds)
			got := ""
			if err := thresholds.Validate(); err != nil {
				got = err.Error()
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("want (-) and got (+):\n%s", diff)
			}
		})
	}
}

func TestClock(t *testing.T) {
	got := config.Thresholds{
		LockOffset: metav1.Duration{Duration: 1}, UnlockOffset: metav1.Duration{Duration: 2}, LockSamples: 3, UnlockSamples: 4,
		HoldoverTimeout: metav1.Duration{Duration: 5}, OSClockTimeout: metav1.Duration{Duration: 6}, OSClockOffset: metav1.Duration{Duration: 7}, MaxPathDelay: metav1.Duration{Duration: 8},
	}.Clock()
	want := clock.Thresholds{LockOffset: 1, UnlockOffset: 2, LockSamples: 3, UnlockSamples: 4, HoldoverTimeout: 5, OSClockTimeout: 6, OSClockOffset: 7, MaxPathDelay: 8}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("want (-) and got (+):\n%s", diff)
	}
}

// What the controller writes is what the adapter reads; what is no configuration is
// refused in one line that says where it is from.
func FuzzParse(f *testing.F) {
	f.Add("cluster: a\nthresholds: {lockOffset: 20us}\n")
	f.Add(`{"linuxptp":{"sockets":["/a"],"domain":24},"delivery":{"retry":0}}`)
	f.Add("a: &a [*a]")
	f.Add("null")
	f.Fuzz(func(t *testing.T, text string) {
		c := config.Default()
		if err := c.Parse(text, "here"); err != nil {
			if !strings.HasPrefix(err.Error(), "here: ") || strings.Contains(err.Error(), "\n") {
				t.Errorf("%q: the error is not one line that says where: %q", text, err)
			}
			return
		}
		written, err := json.Marshal(c)
		if err != nil {
			t.Fatal(err)
		}
		read := config.Config{}
		if err := read.Parse(string(written), "here"); err != nil {
			t.Fatalf("%s: %v", written, err)
		}
		again, err := json.Marshal(read)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(written), string(again)); diff != "" {
			t.Errorf("written (-) and read (+):\n%s", diff)
		}
	})
}
