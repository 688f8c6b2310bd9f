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

package simulator

import (
	"fmt"
	"slices"

	"github.com/eventing-ptp/eventing-ptp/pkg/observe/linuxptp/pmc"
)

// Version is a release of linuxptp, such as 4.2.
type Version string

// releases are the versions whose behaviour is known, oldest first.
var releases = []Version{"3.1.1", "4.0", "4.1", "4.2", "4.3", "4.4"}

// UnmarshalJSON takes a version with or without quotes.
func (v *Version) UnmarshalJSON(b []byte) error {
	var text loose
	if err := text.UnmarshalJSON(b); err != nil {
		return err
	}
	*v = Version(text)
	// YAML reads an unquoted 4.0 as the number 4.
	if *v == "4" {
		*v = "4.0"
	}
	return nil
}

// since says whether v is the given release or a later one.
func (v Version) since(release Version) bool {
	return slices.Index(releases, v) >= slices.Index(releases, release)
}

// check returns an error for a version that is not known.
func (v Version) check() error {
	if !slices.Contains(releases, v) {
		return fmt.Errorf("version %q is not played; choose one of %v", v, releases)
	}
	return nil
}

// has says whether the version knows a data set; ids that are no data set at all are
// not its business.
func (v Version) has(id pmc.ID) bool {
	switch id {
	case pmc.IDPortServiceStatsNP, pmc.IDUnicastMasterTableNP, pmc.IDPortHWClockNP, pmc.IDPowerProfileSettingsNP, idMasterOnly:
		return v.since("4.0")
	case pmc.IDCMLDSInfoNP:
		return v.since("4.3")
	case pmc.IDPortCorrectionsNP, pmc.IDExternalGrandmasterPropertiesNP:
		return false
	}
	return true
}

// pushes says whether the version has the push for an event.
func (v Version) pushes(event pmc.Event) bool {
	switch event {
	case pmc.NotifyTimeSync:
		return v.since("4.0")
	case pmc.NotifyParentDataSet:
		return v.since("4.2")
	}
	return true
}
