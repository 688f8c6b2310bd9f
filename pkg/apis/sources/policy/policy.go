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

// Package policy is what only an administrator may decide: the config map config-ptp.
package policy

import (
	"context"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
	"unicode"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"knative.dev/pkg/configmap"

	adapterconfig "github.com/eventing-ptp/eventing-ptp/pkg/adapter/config"
)

// ConfigMapName is the config map's name in the namespace of the controller.
const ConfigMapName = "config-ptp"

// The keys of the config map.
const (
	AllowPrivilegedKey          = "allow-privileged"
	AllowHostNetworkKey         = "allow-host-network"
	AllowedSocketDirectoriesKey = "allowed-socket-directories"
	JournalDirectoryKey         = "journal-directory"

	lockOffsetKey      = "lock-offset"
	unlockOffsetKey    = "unlock-offset"
	lockSamplesKey     = "lock-samples"
	unlockSamplesKey   = "unlock-samples"
	holdoverTimeoutKey = "holdover-timeout"
	syncIntervalsKey   = "sync-intervals"
	syncTimeoutKey     = "sync-timeout"
	osClockTimeoutKey  = "os-clock-timeout"
	osClockOffsetKey   = "os-clock-offset"
	maxPathDelayKey    = "max-path-delay"
)

// Policy bounds what PtpSources may ask for, and says what they get where they do not.
type Policy struct {
	// AllowPrivileged lets a source run privileged adapters.
	AllowPrivileged bool
	// AllowHostNetwork lets a source run adapters on the node's own network.
	AllowHostNetwork bool
	// AllowedSocketDirectories are the host's directories, with all below them, that an
	// adapter may see.
	AllowedSocketDirectories []string
	// JournalDirectory is the host's directory below which each source has one for the
	// journals of its adapters; empty when none may write to the host.
	JournalDirectory string
	// Thresholds are those of sources that leave them out.
	Thresholds adapterconfig.Thresholds
}

// Default is the policy of a config map that says nothing.
func Default() *Policy {
	return &Policy{
		AllowedSocketDirectories: []string{"/var/run/ptp"},
		JournalDirectory:         "/var/lib/eventing-ptp",
		Thresholds:               adapterconfig.DefaultThresholds(),
	}
}

// Parse reads the config map. A key that does not exist is an error: a misspelt one must
// not silently be the default.
func Parse(cm *corev1.ConfigMap) (*Policy, error) {
	p := Default()
	t := &p.Thresholds
	var directories string
	settings := map[string]setting{
		AllowPrivilegedKey:          boolean(AllowPrivilegedKey, &p.AllowPrivileged),
		AllowHostNetworkKey:         boolean(AllowHostNetworkKey, &p.AllowHostNetwork),
		AllowedSocketDirectoriesKey: {read: configmap.AsString(AllowedSocketDirectoriesKey, &directories)},
		JournalDirectoryKey:         {read: configmap.AsString(JournalDirectoryKey, &p.JournalDirectory)},
		lockOffsetKey:               duration(lockOffsetKey, &t.LockOffset),
		unlockOffsetKey:             duration(unlockOffsetKey, &t.UnlockOffset),
		lockSamplesKey:              number(lockSamplesKey, &t.LockSamples),
		unlockSamplesKey:            number(unlockSamplesKey, &t.UnlockSamples),
		holdoverTimeoutKey:          duration(holdoverTimeoutKey, &t.HoldoverTimeout),
		syncIntervalsKey:            number(syncIntervalsKey, &t.SyncIntervals),
		syncTimeoutKey:              duration(syncTimeoutKey, &t.SyncTimeout),
		osClockTimeoutKey:           duration(osClockTimeoutKey, &t.OSClockTimeout),
		osClockOffsetKey:            duration(osClockOffsetKey, &t.OSClockOffset),
		maxPathDelayKey:             duration(maxPathDelayKey, &t.MaxPathDelay),
	}
	known := slices.Sorted(maps.Keys(settings))
	for _, key := range slices.Sorted(maps.Keys(cm.Data)) {
		if _, ok := settings[key]; !ok && key != configmap.ExampleKey {
			return nil, fmt.Errorf("config map %s: key %q is not known; the keys are %s", ConfigMapName, key, strings.Join(known, ", "))
		}
	}
	for _, key := range known {
		if err := settings[key].read(cm.Data); err != nil {
			// What is wrong with it is plain; the error would only add the name of a Go function.
			return nil, fmt.Errorf("config map %s: key %q is %q; it must be %s", ConfigMapName, key, cm.Data[key], settings[key].must)
		}
	}
	if _, ok := cm.Data[AllowedSocketDirectoriesKey]; ok {
		p.AllowedSocketDirectories = strings.FieldsFunc(directories, func(r rune) bool { return r == ',' || unicode.IsSpace(r) })
	}
	for _, d := range p.AllowedSocketDirectories {
		if !isDirectory(d) {
			return nil, fmt.Errorf("config map %s: key %q: %q must be an absolute path below /, without a slash at its end, for example /var/run/ptp",
				ConfigMapName, AllowedSocketDirectoriesKey, d)
		}
	}
	if d := p.JournalDirectory; d != "" && !isDirectory(d) {
		return nil, fmt.Errorf("config map %s: key %q: %q must be an absolute path below /, without a slash at its end, for example /var/lib/eventing-ptp, or be empty",
			ConfigMapName, JournalDirectoryKey, d)
	}
	if err := t.Validate(); err != nil {
		return nil, fmt.Errorf("config map %s: %w", ConfigMapName, err)
	}
	return p, nil
}

func isDirectory(d string) bool { return path.IsAbs(d) && path.Clean(d) == d && d != "/" }

// setting reads one key, and knows what its value must be.
type setting struct {
	read configmap.ParseFunc
	must string
}

func boolean(key string, to *bool) setting {
	return setting{configmap.AsBool(key, to), "true or false"}
}

func number(key string, to *int) setting {
	return setting{configmap.AsInt(key, to), fmt.Sprintf("a whole number, for example %d", *to)}
}

func duration(key string, to *metav1.Duration) setting {
	return setting{configmap.AsDuration(key, &to.Duration), fmt.Sprintf("a duration with its unit, for example %v", to.Duration)}
}

// AllowsSocketDirectory is whether an adapter may see a directory of the host.
func (p *Policy) AllowsSocketDirectory(directory string) bool {
	directory = path.Clean(directory)
	return slices.ContainsFunc(p.AllowedSocketDirectories, func(allowed string) bool {
		return directory == allowed || strings.HasPrefix(directory, allowed+"/")
	})
}

type key struct{}

// With returns a context that carries the policy.
func With(ctx context.Context, p *Policy) context.Context { return context.WithValue(ctx, key{}, p) }

// From returns the policy that the context carries, or the default one.
func From(ctx context.Context) *Policy {
	if p, ok := ctx.Value(key{}).(*Policy); ok && p != nil {
		return p
	}
	return Default()
}
