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
	"fmt"
	"strings"
)

// Transport is the network_transport of ptp4l.
type Transport string

const (
	// L2 is IEEE 802.3 Ethernet (IEEE 1588-2019, annex E).
	L2 Transport = "L2"
	// UDPv4 is UDP over IPv4 (IEEE 1588-2019, annex C).
	UDPv4 Transport = "UDPv4"
)

// config renders ptp4l's configuration file for a clock (ptp4l(8)).
//
// free_running keeps every instance from steering the machine's clock, which
// all network namespaces share. A missed transmit timestamp makes a port
// FAULTY, so the time to wait for one (1 ms by default in linuxptp 3.1.1)
// allows for a busy machine, and a port leaves FAULTY after 2^-4 s.
func config(c clockPlan, o Options, socket, readOnlySocket string) string {
	var b strings.Builder
	line := func(name string, value any) { fmt.Fprintf(&b, "%s %v\n", name, value) }
	b.WriteString("[global]\n")
	line("free_running", 1)
	line("time_stamping", "software")
	line("tx_timestamp_timeout", 200)
	line("fault_reset_interval", -4)
	line("network_transport", o.Transport)
	line("domainNumber", o.Domain)
	line("priority1", c.priority1)
	switch {
	case c.role == grandmaster:
		line("clockClass", o.ClockClass)
		line("clockAccuracy", "0x21")
		line("offsetScaledLogVariance", "0x4E5D")
	case c.role == follower && o.SlaveOnly:
		line("slaveOnly", 1)
	}
	line("logAnnounceInterval", o.LogAnnounce)
	line("logSyncInterval", o.LogSync)
	line("logMinDelayReqInterval", o.LogSync)
	line("announceReceiptTimeout", 3)
	line("use_syslog", 0)
	line("verbose", 1)
	line("uds_address", socket)
	if readOnlySocket != "" {
		line("uds_ro_address", readOnlySocket)
	}
	for _, iface := range c.interfaces {
		fmt.Fprintf(&b, "[%s]\n", iface)
	}
	return b.String()
}
