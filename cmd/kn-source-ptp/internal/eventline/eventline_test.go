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

package eventline

import (
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/eventing-ptp/eventing-ptp/cmd/kn-source-ptp/internal/cluster"
	"github.com/eventing-ptp/eventing-ptp/cmd/kn-source-ptp/internal/feed"
)

func TestFormat(t *testing.T) {
	const (
		lockState = `{"type":"event.sync.ptp-status.ptp-state-change","source":"/sync/ptp-status/lock-state",
			"resourceaddress":"/cluster/node/n1/sync/ptp-status/lock-state","instance":"ens1f0","ptpstate":"HOLDOVER","previousstate":"LOCKED","ptpreason":"SyncSilent",
			"data":{"version":"1.0","values":[{"ResourceAddress":"/a","data_type":"notification","value_type":"enumeration","value":"HOLDOVER"},
			{"ResourceAddress":"/a","data_type":"metric","value_type":"decimal64.3","value":"-37"}]}}`
		class = `{"type":"event.sync.ptp-status.ptp-clock-class-change","source":"/cluster/node/n1/sync/ptp-status/clock-class","instance":"ens1f0","ptpstate":"7",
			"ptpmissed":"true","data":{"version":"1.0","values":[{"ResourceAddress":"/a","data_type":"metric","value_type":"decimal64.3","value":"7"}]}}`
	)
	for _, tc := range []struct {
		name, body string
		wide       bool
		want       string
	}{
		{"a state", lockState, false, "2026-05-10T07:20:34.661862100+08:00 ptp lock-state /cluster/node/n1/sync/ptp-status/lock-state " +
			"(instance=ens1f0, name=ptp-src, offset=-37ns, previous=LOCKED, state=HOLDOVER)"},
		{"a state with everything", lockState, true, "2026-05-10T07:20:34.661862100+08:00 ptp lock-state /cluster/node/n1/sync/ptp-status/lock-state " +
			"(id=a-1, instance=ens1f0, name=ptp-src, namespace=edge, offset=-37ns, previous=LOCKED, reason=SyncSilent, state=HOLDOVER)"},
		{"a number", class, false, "2026-05-10T07:20:34.661862100+08:00 ptp clock-class /cluster/node/n1/sync/ptp-status/clock-class " +
			"(instance=ens1f0, missed=true, name=ptp-src, state=7)"},
	} {
		e := feed.Event{
			ID: "a-1", Time: time.Date(2026, 5, 9, 23, 20, 34, 661862100, time.UTC), Body: []byte(tc.body),
			From: cluster.Adapter{Source: types.NamespacedName{Namespace: "edge", Name: "ptp-src"}},
		}
		got, err := Format(e, time.FixedZone("", 8*3600), tc.wide)
		if err != nil || got != tc.want {
			t.Errorf("%s: %v\ngot  %s\nwant %s", tc.name, err, got, tc.want)
		}
	}
	if _, err := Format(feed.Event{ID: "a-1", Body: []byte("{")}, time.UTC, false); err == nil || err.Error() != "read event a-1: unexpected end of JSON input" {
		t.Error(err)
	}
}
