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

package pmc_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/eventing-ptp/eventing-ptp/pkg/observe/linuxptp/pmc"
)

func TestNames(t *testing.T) {
	for _, tt := range []struct {
		value fmt.Stringer
		want  string
	}{
		{pmc.IDTimeStatusNP, "TIME_STATUS_NP"},
		{pmc.IDPriority2, "PRIORITY2"},
		{pmc.ID(0x200D), "managementId 0x200D"},
		{pmc.ActionGet, "GET"},
		{pmc.ActionAcknowledge, "ACKNOWLEDGE"},
		{pmc.Action(9), "actionField 9"},
		{pmc.NoError, "no error"},
		{pmc.ErrorNotSupported, "NOT_SUPPORTED"},
		{pmc.ErrorGeneral, "GENERAL_ERROR"},
		{pmc.ErrorID(9), "managementErrorId 0x0009"},
		{pmc.PortInitializing, "INITIALIZING"},
		{pmc.PortState(6), "MASTER"},
		{pmc.PortState(9), "SLAVE"},
		{pmc.PortState(0), "portState 0"},
		{pmc.UnicastHaveSyDy, "HAVE_SYDY"},
		{pmc.UnicastState(7), "unicast state 7"},
		{goldenGM, "42160d.fffe.627ae7"},
		{pmc.PortIdentity{Clock: goldenGM, Port: 1}, "42160d.fffe.627ae7-1"},
		{pmc.Anyone(), "ffffff.ffff.ffffff-65535"},
	} {
		if got := tt.value.String(); got != tt.want {
			t.Errorf("%T: %q, want %q", tt.value, got, tt.want)
		}
	}
}

func TestEveryDataSetHasItsOwnName(t *testing.T) {
	names := map[string]bool{}
	for _, ds := range samples {
		name := ds.ID().String()
		if names[name] || len(name) > 11 && name[:12] == "managementId" {
			t.Errorf("%#x is called %q", uint16(ds.ID()), name)
		}
		names[name] = true
	}
}

func TestStatusError(t *testing.T) {
	err := fmt.Errorf("read the hardware clock: %w", pmc.StatusError{ID: pmc.IDPortHWClockNP, Status: pmc.ErrorNoSuchID})
	if got, want := err.Error(), "read the hardware clock: PORT_HWCLOCK_NP refused: NO_SUCH_ID"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	var refused pmc.StatusError
	if !errors.As(err, &refused) || refused.Status != pmc.ErrorNoSuchID {
		t.Errorf("errors.As gives %+v", refused)
	}
}

func TestClockIdentityAsText(t *testing.T) {
	var c pmc.ClockIdentity
	if err := c.UnmarshalText([]byte("42160D.fffe.627ae7")); err != nil || c != goldenGM {
		t.Errorf("%v, %v", c, err)
	}
	if text, err := goldenGM.MarshalText(); err != nil || string(text) != "42160d.fffe.627ae7" {
		t.Errorf("%s, %v", text, err)
	}
	for _, bad := range []string{"", "42160dfffe627ae7", "42160d.fffe.627ae", "42160d-fffe-627ae7", "42160g.fffe.627ae7", "42160d.fffe.627ae7-1"} {
		if err := c.UnmarshalText([]byte(bad)); err == nil {
			t.Errorf("%q was accepted", bad)
		}
	}
}
