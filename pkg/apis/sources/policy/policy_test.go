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

package policy_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	adapterconfig "github.com/eventing-ptp/eventing-ptp/pkg/adapter/config"
	"github.com/eventing-ptp/eventing-ptp/pkg/apis/sources/policy"
)

// standard is the policy of an administrator who has said nothing, but for a change.
func standard(change func(*policy.Policy)) *policy.Policy {
	p := &policy.Policy{
		AllowedSocketDirectories: []string{"/var/run/ptp"},
		JournalDirectory:         "/var/lib/eventing-ptp",
		Thresholds: adapterconfig.Thresholds{
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
	}
	if change != nil {
		change(p)
	}
	return p
}

func directories(names ...string) *policy.Policy {
	return standard(func(p *policy.Policy) { p.AllowedSocketDirectories = names })
}

func TestParse(t *testing.T) {
	for _, tc := range []struct {
		name string
		data map[string]string
		want *policy.Policy
	}{
		{name: "no data", want: standard(nil)},
		{
			name: "the example is not looked at, whatever it holds",
			data: map[string]string{"_example": "allow-privileged: true\nno-such-key: ["},
			want: standard(nil),
		},
		{
			name: "privileged adapters", data: map[string]string{"allow-privileged": "true"},
			want: standard(func(p *policy.Policy) { p.AllowPrivileged = true }),
		},
		{name: "no privileged adapters", data: map[string]string{"allow-privileged": "false"}, want: standard(nil)},
		{
			name: "the network of the node", data: map[string]string{"allow-host-network": "true"},
			want: standard(func(p *policy.Policy) { p.AllowHostNetwork = true }),
		},
		{
			name: "lock-offset", data: map[string]string{"lock-offset": "150ns"},
			want: standard(func(p *policy.Policy) { p.Thresholds.LockOffset.Duration = 150 }),
		},
		{
			name: "unlock-offset", data: map[string]string{"unlock-offset": "100ns"}, // not below lock-offset
			want: standard(func(p *policy.Policy) { p.Thresholds.UnlockOffset.Duration = 100 }),
		},
		{
			name: "lock-samples", data: map[string]string{"lock-samples": "1"},
			want: standard(func(p *policy.Policy) { p.Thresholds.LockSamples = 1 }),
		},
		{
			name: "unlock-samples", data: map[string]string{"unlock-samples": "16"},
			want: standard(func(p *policy.Policy) { p.Thresholds.UnlockSamples = 16 }),
		},
		{
			name: "holdover-timeout", data: map[string]string{"holdover-timeout": "0s"},
			want: standard(func(p *policy.Policy) { p.Thresholds.HoldoverTimeout.Duration = 0 }),
		},
		{
			name: "sync-intervals", data: map[string]string{"sync-intervals": "2"},
			want: standard(func(p *policy.Policy) { p.Thresholds.SyncIntervals = 2 }),
		},
		{
			name: "sync-timeout", data: map[string]string{"sync-timeout": "1m"},
			want: standard(func(p *policy.Policy) { p.Thresholds.SyncTimeout.Duration = time.Minute }),
		},
		{
			name: "os-clock-timeout", data: map[string]string{"os-clock-timeout": "20m"},
			want: standard(func(p *policy.Policy) { p.Thresholds.OSClockTimeout.Duration = 20 * time.Minute }),
		},
		{
			name: "os-clock-offset", data: map[string]string{"os-clock-offset": "2us"},
			want: standard(func(p *policy.Policy) { p.Thresholds.OSClockOffset.Duration = 2 * time.Microsecond }),
		},
		{
			name: "max-path-delay", data: map[string]string{"max-path-delay": "20us"},
			want: standard(func(p *policy.Policy) { p.Thresholds.MaxPathDelay.Duration = 20 * time.Microsecond }),
		},
		{name: "one directory", data: map[string]string{"allowed-socket-directories": "/run/ptp"}, want: directories("/run/ptp")},
		{
			name: "directories between commas, spaces and lines",
			data: map[string]string{"allowed-socket-directories": " /a,/b, /c\t/d\n/e\r\n/f,,\n"},
			want: directories("/a", "/b", "/c", "/d", "/e", "/f"),
		},
		{
			name: "journals elsewhere", data: map[string]string{"journal-directory": "/data/ptp"},
			want: standard(func(p *policy.Policy) { p.JournalDirectory = "/data/ptp" }),
		},
		{
			name: "no journals on the host", data: map[string]string{"journal-directory": ""},
			want: standard(func(p *policy.Policy) { p.JournalDirectory = "" }),
		},
		{
			name: "no directory at all", data: map[string]string{"allowed-socket-directories": ""},
			want: directories(),
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, err := policy.Parse(&corev1.ConfigMap{Data: tc.data})
			if err != nil {
				t.Fatal(err)
			}
			if len(tc.want.AllowedSocketDirectories) == 0 && len(got.AllowedSocketDirectories) == 0 {
				got.AllowedSocketDirectories = tc.want.AllowedSocketDirectories
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("want (-) and got (+):\n%s", diff)
			}
		})
	}
}

func TestParseRefuses(t *testing.T) {
	const directory = ` must be an absolute path below /, without a slash at its end, for example /var/run/ptp`
	for _, tc := range []struct {
		name string
		data map[string]string
		want string
	}{
		{
			name: "a misspelt key", data: map[string]string{"allow-privilege": "true"},
			want: `config map config-ptp: key "allow-privilege" is not known; the keys are allow-host-network, allow-privileged, ` +
				`allowed-socket-directories, holdover-timeout, journal-directory, lock-offset, lock-samples, max-path-delay, os-clock-offset, os-clock-timeout, sync-intervals, sync-timeout, unlock-offset, unlock-samples`,
		},
		{
			name: "the first of two misspelt keys", data: map[string]string{"zzz": "", "_exampel": "", "lock-offset": "1"},
			want: `config map config-ptp: key "_exampel" is not known; the keys are allow-host-network, allow-privileged, ` +
				`allowed-socket-directories, holdover-timeout, journal-directory, lock-offset, lock-samples, max-path-delay, os-clock-offset, os-clock-timeout, sync-intervals, sync-timeout, unlock-offset, unlock-samples`,
		},
		{
			name: "privileged: no boolean", data: map[string]string{"allow-privileged": "yes"},
			want: `config map config-ptp: key "allow-privileged" is "yes"; it must be true or false`,
		},
		{
			name: "host network: empty", data: map[string]string{"allow-host-network": ""},
			want: `config map config-ptp: key "allow-host-network" is ""; it must be true or false`,
		},
		{
			name: "lock-offset without a unit", data: map[string]string{"lock-offset": "100"},
			want: `config map config-ptp: key "lock-offset" is "100"; it must be a duration with its unit, for example 100ns`,
		},
		{
			name: "unlock-offset without a number", data: map[string]string{"unlock-offset": "ns"},
			want: `config map config-ptp: key "unlock-offset" is "ns"; it must be a duration with its unit, for example 200ns`,
		},
		{
			name: "holdover-timeout in days", data: map[string]string{"holdover-timeout": "1d"},
			want: `config map config-ptp: key "holdover-timeout" is "1d"; it must be a duration with its unit, for example 5s`,
		},
		{
			name: "sync-timeout with a space", data: map[string]string{"sync-timeout": "500 ms"},
			want: `config map config-ptp: key "sync-timeout" is "500 ms"; it must be a duration with its unit, for example 500ms`,
		},
		{
			name: "lock-samples with a fraction", data: map[string]string{"lock-samples": "2.5"},
			want: `config map config-ptp: key "lock-samples" is "2.5"; it must be a whole number, for example 3`,
		},
		{
			name: "unlock-samples in words", data: map[string]string{"unlock-samples": "three"},
			want: `config map config-ptp: key "unlock-samples" is "three"; it must be a whole number, for example 3`,
		},
		{
			name: "sync-intervals with a unit", data: map[string]string{"sync-intervals": "4s"},
			want: `config map config-ptp: key "sync-intervals" is "4s"; it must be a whole number, for example 4`,
		},
		{
			name: "the root as a directory", data: map[string]string{"allowed-socket-directories": "/var/run/ptp,/"},
			want: `config map config-ptp: key "allowed-socket-directories": "/"` + directory,
		},
		{
			name: "journals in the root", data: map[string]string{"journal-directory": "/"},
			want: `config map config-ptp: key "journal-directory": "/" must be an absolute path below /, without a slash at its end, for example /var/lib/eventing-ptp, or be empty`,
		},
		{
			name: "journals in a relative directory", data: map[string]string{"journal-directory": "lib"},
			want: `config map config-ptp: key "journal-directory": "lib" must be an absolute path below /, without a slash at its end, for example /var/lib/eventing-ptp, or be empty`,
		},
		{
			name: "a relative directory", data: map[string]string{"allowed-socket-directories": "run/ptp"},
			want: `config map config-ptp: key "allowed-socket-directories": "run/ptp"` + directory,
		},
		{
			name: "a slash at the end", data: map[string]string{"allowed-socket-directories": "/run/ptp/"},
			want: `config map config-ptp: key "allowed-socket-directories": "/run/ptp/"` + directory,
		},
		{
			name: "a directory with ..", data: map[string]string{"allowed-socket-directories": "/run/ptp/../.."},
			want: `config map config-ptp: key "allowed-socket-directories": "/run/ptp/../.."` + directory,
		},
		{
			name: "another separator", data: map[string]string{"allowed-socket-directories": `"/run/ptp"`},
			want: `config map config-ptp: key "allowed-socket-directories": "\"/run/ptp\""` + directory,
		},
		{
			name: "an offset that is never reached", data: map[string]string{"lock-offset": "0s"},
			want: `config map config-ptp: thresholds: lockOffset is 0s; it must be positive, for example 100ns`,
		},
		{
			name: "offsets out of order, one of them by default", data: map[string]string{"lock-offset": "20us"},
			want: `config map config-ptp: thresholds: unlockOffset is 200ns; it must be at least lockOffset (20µs), or a clock could be locked and unlocked by the same sample`,
		},
		{
			name: "no samples for a lock", data: map[string]string{"lock-samples": "0"},
			want: `config map config-ptp: thresholds: lockSamples is 0; it must be 1 or more`,
		},
		{
			name: "less than no samples", data: map[string]string{"unlock-samples": "-3"},
			want: `config map config-ptp: thresholds: unlockSamples is -3; it must be 1 or more`,
		},
		{
			name: "a holdover that has ended before", data: map[string]string{"holdover-timeout": "-1s"},
			want: `config map config-ptp: thresholds: holdoverTimeout is -1s; it must not be negative (0s means that a clock without a source is FREERUN at once)`,
		},
		{
			name: "one late Sync", data: map[string]string{"sync-intervals": "1"},
			want: `config map config-ptp: thresholds: syncIntervals is 1; it must be 2 or more, because one late Sync is no silence`,
		},
		{
			name: "a silence without time", data: map[string]string{"sync-timeout": "0s"},
			want: `config map config-ptp: thresholds: syncTimeout is 0s; it must be positive, for example 500ms`,
		},
		{
			name: "an OS clock without time", data: map[string]string{"os-clock-timeout": "0s"},
			want: `config map config-ptp: thresholds: osClockTimeout is 0s; it must be at least 3s, because the kernel counts in seconds; for example 5s`,
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p, err := policy.Parse(&corev1.ConfigMap{Data: tc.data})
			if err == nil {
				t.Fatalf("it is taken: %+v", p)
			}
			if diff := cmp.Diff(tc.want, err.Error()); diff != "" {
				t.Errorf("want (-) and got (+):\n%s", diff)
			}
		})
	}
}

func TestAllowsSocketDirectory(t *testing.T) {
	for _, tc := range []struct {
		name      string
		allowed   []string
		directory string
		want      bool
	}{
		{name: "the directory itself", allowed: []string{"/var/run/ptp"}, directory: "/var/run/ptp", want: true},
		{name: "one below", allowed: []string{"/var/run/ptp"}, directory: "/var/run/ptp/ns0/a", want: true},
		{name: "with a slash at its end", allowed: []string{"/var/run/ptp"}, directory: "/var/run/ptp/", want: true},
		{name: "with a detour that stays below", allowed: []string{"/var/run/ptp"}, directory: "/var/run/ptp//a/../b/.", want: true},
		{name: "the second that is allowed", allowed: []string{"/a", "/b"}, directory: "/b/c", want: true},
		{name: "a name that only begins alike", allowed: []string{"/var/run/ptp"}, directory: "/var/run/ptp2"},
		{name: "the directory above", allowed: []string{"/var/run/ptp"}, directory: "/var/run"},
		{name: "the root", allowed: []string{"/var/run/ptp"}, directory: "/"},
		{name: "above by way of below", allowed: []string{"/var/run/ptp"}, directory: "/var/run/ptp/.."},
		{name: "elsewhere by way of below", allowed: []string{"/var/run/ptp"}, directory: "/var/run/ptp/../containerd"},
		{name: "far above by way of below", allowed: []string{"/var/run/ptp"}, directory: "/var/run/ptp/../../../etc"},
		{name: "the same name, relative", allowed: []string{"/var/run/ptp"}, directory: "var/run/ptp"},
		{name: "another case", allowed: []string{"/var/run/ptp"}, directory: "/var/run/PTP"},
		{name: "no directory", allowed: []string{"/var/run/ptp"}, directory: ""},
		{name: "none is allowed", directory: "/var/run/ptp"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p := &policy.Policy{AllowedSocketDirectories: tc.allowed}
			if got := p.AllowsSocketDirectory(tc.directory); got != tc.want {
				t.Errorf("%q below %q: %v, want %v", tc.directory, tc.allowed, got, tc.want)
			}
		})
	}
}

func TestFrom(t *testing.T) {
	if diff := cmp.Diff(standard(nil), policy.From(context.Background())); diff != "" {
		t.Errorf("a context without a policy has another than the default, want (-) and got (+):\n%s", diff)
	}
	if diff := cmp.Diff(standard(nil), policy.From(policy.With(context.Background(), nil))); diff != "" {
		t.Errorf("a context with no policy has another than the default, want (-) and got (+):\n%s", diff)
	}
	p := &policy.Policy{AllowPrivileged: true}
	if got := policy.From(policy.With(context.Background(), p)); got != p {
		t.Errorf("the policy of the context is %+v, want the one that was put there", got)
	}
}

// Nobody may change the default for others.
func TestDefaultIsACopy(t *testing.T) {
	policy.Default().AllowedSocketDirectories[0] = "/"
	if diff := cmp.Diff(standard(nil), policy.Default()); diff != "" {
		t.Errorf("want (-) and got (+):\n%s", diff)
	}
}

// Whatever is in the config map: it is a policy that makes sense, or one line that says
// what does not.
func FuzzParse(f *testing.F) {
	f.Add("allowed-socket-directories", "/var/run/ptp, /run")
	f.Add("allowed-socket-directories", "/a/../..")
	f.Add("lock-offset", "20us")
	f.Add("sync-intervals", "99999999999999999999")
	f.Add("allow-privileged", "true")
	f.Add("_example", "x")
	f.Fuzz(func(t *testing.T, key, value string) {
		p, err := policy.Parse(&corev1.ConfigMap{Data: map[string]string{key: value}})
		if err != nil {
			if p != nil {
				t.Errorf("%v, and a policy", err)
			}
			return
		}
		if err := p.Thresholds.Validate(); err != nil {
			t.Errorf("%s: %q makes thresholds that make no sense: %v", key, value, err)
		}
		for _, outside := range []string{"/", "", ".", "/..", "/../.."} {
			if p.AllowsSocketDirectory(outside) {
				t.Errorf("%s: %q allows %q", key, value, outside)
			}
		}
		for _, d := range p.AllowedSocketDirectories {
			if !p.AllowsSocketDirectory(d) || p.AllowsSocketDirectory(d+"/..") {
				t.Errorf("%s: %q allows more or less than %q", key, value, d)
			}
		}
	})
}
