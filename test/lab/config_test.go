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
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestConfig(t *testing.T) {
	options := DefaultOptions()
	udp := Options{Transport: UDPv4, Domain: 24, LogSync: -4, LogAnnounce: -3}
	for _, test := range []struct {
		name     string
		clock    clockPlan
		options  Options
		readOnly string
		want     string
	}{{
		name:     "grandmaster with a read-only socket",
		clock:    clockPlan{role: grandmaster, priority1: 100, interfaces: []string{"eth0"}},
		options:  options,
		readOnly: "/d/ro",
		want: `[global]
free_running 1
time_stamping software
tx_timestamp_timeout 200
fault_reset_interval -4
network_transport L2
domainNumber 0
priority1 100
clockClass 6
clockAccuracy 0x21
offsetScaledLogVariance 0x4E5D
logAnnounceInterval 0
logSyncInterval -3
logMinDelayReqInterval -3
announceReceiptTimeout 3
use_syslog 0
verbose 1
uds_address /d/rw
uds_ro_address /d/ro
[eth0]
`,
	}, {
		name:    "boundary clock on UDP",
		clock:   clockPlan{role: boundary, priority1: 128, interfaces: []string{"eth0", "eth1"}},
		options: udp,
		want: `[global]
free_running 1
time_stamping software
tx_timestamp_timeout 200
fault_reset_interval -4
network_transport UDPv4
domainNumber 24
priority1 128
logAnnounceInterval -3
logSyncInterval -4
logMinDelayReqInterval -4
announceReceiptTimeout 3
use_syslog 0
verbose 1
uds_address /d/rw
[eth0]
[eth1]
`,
	}, {
		name:    "slave-only follower",
		clock:   clockPlan{role: follower, priority1: 128, interfaces: []string{"eth0"}},
		options: options,
		want: `[global]
free_running 1
time_stamping software
tx_timestamp_timeout 200
fault_reset_interval -4
network_transport L2
domainNumber 0
priority1 128
slaveOnly 1
logAnnounceInterval 0
logSyncInterval -3
logMinDelayReqInterval -3
announceReceiptTimeout 3
use_syslog 0
verbose 1
uds_address /d/rw
[eth0]
`,
	}} {
		t.Run(test.name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, config(test.clock, test.options, "/d/rw", test.readOnly)); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}
