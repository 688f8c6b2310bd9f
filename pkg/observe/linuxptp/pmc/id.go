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

package pmc

import "fmt"

// ID is a managementId: it names the data set that a management TLV carries
// (IEEE 1588-2019, table 59; from 0xC000 on linuxptp's own, its tlv.h).
type ID uint16

// The management ids that this package has a [DataSet] for.
const (
	IDClockDescription      ID = 0x0001
	IDDefaultDataSet        ID = 0x2000
	IDCurrentDataSet        ID = 0x2001
	IDParentDataSet         ID = 0x2002
	IDTimePropertiesDataSet ID = 0x2003
	IDPortDataSet           ID = 0x2004
	IDPriority1             ID = 0x2005
	IDPriority2             ID = 0x2006

	IDTimeStatusNP                    ID = 0xC000
	IDGrandmasterSettingsNP           ID = 0xC001
	IDPortDataSetNP                   ID = 0xC002
	IDSubscribeEventsNP               ID = 0xC003
	IDPortPropertiesNP                ID = 0xC004
	IDPortStatsNP                     ID = 0xC005
	IDSynchronizationUncertainNP      ID = 0xC006
	IDPortServiceStatsNP              ID = 0xC007 // linuxptp 4.0
	IDUnicastMasterTableNP            ID = 0xC008 // linuxptp 4.0
	IDPortHWClockNP                   ID = 0xC009 // linuxptp 4.0
	IDPowerProfileSettingsNP          ID = 0xC00A // linuxptp 4.0
	IDCMLDSInfoNP                     ID = 0xC00B // linuxptp 4.3
	IDPortCorrectionsNP               ID = 0xC00C // after linuxptp 4.4
	IDExternalGrandmasterPropertiesNP ID = 0xC00D // after linuxptp 4.4
)

// String returns the name that linuxptp's pmc uses, such as "TIME_STATUS_NP".
func (id ID) String() string {
	switch id {
	case IDClockDescription:
		return "CLOCK_DESCRIPTION"
	case IDDefaultDataSet:
		return "DEFAULT_DATA_SET"
	case IDCurrentDataSet:
		return "CURRENT_DATA_SET"
	case IDParentDataSet:
		return "PARENT_DATA_SET"
	case IDTimePropertiesDataSet:
		return "TIME_PROPERTIES_DATA_SET"
	case IDPortDataSet:
		return "PORT_DATA_SET"
	case IDPriority1:
		return "PRIORITY1"
	case IDPriority2:
		return "PRIORITY2"
	case IDTimeStatusNP:
		return "TIME_STATUS_NP"
	case IDGrandmasterSettingsNP:
		return "GRANDMASTER_SETTINGS_NP"
	case IDPortDataSetNP:
		return "PORT_DATA_SET_NP"
	case IDSubscribeEventsNP:
		return "SUBSCRIBE_EVENTS_NP"
	case IDPortPropertiesNP:
		return "PORT_PROPERTIES_NP"
	case IDPortStatsNP:
		return "PORT_STATS_NP"
	case IDSynchronizationUncertainNP:
		return "SYNCHRONIZATION_UNCERTAIN_NP"
	case IDPortServiceStatsNP:
		return "PORT_SERVICE_STATS_NP"
	case IDUnicastMasterTableNP:
		return "UNICAST_MASTER_TABLE_NP"
	case IDPortHWClockNP:
		return "PORT_HWCLOCK_NP"
	case IDPowerProfileSettingsNP:
		return "POWER_PROFILE_SETTINGS_NP"
	case IDCMLDSInfoNP:
		return "CMLDS_INFO_NP"
	case IDPortCorrectionsNP:
		return "PORT_CORRECTIONS_NP"
	case IDExternalGrandmasterPropertiesNP:
		return "EXTERNAL_GRANDMASTER_PROPERTIES_NP"
	}
	return fmt.Sprintf("managementId 0x%04X", uint16(id))
}

// Action is an actionField: what a management message asks for or answers
// (IEEE 1588-2019, table 57).
type Action uint8

// The actions.
const (
	ActionGet Action = iota
	ActionSet
	ActionResponse
	ActionCommand
	ActionAcknowledge
)

// String returns the name of the action, such as "GET".
func (a Action) String() string {
	switch a {
	case ActionGet:
		return "GET"
	case ActionSet:
		return "SET"
	case ActionResponse:
		return "RESPONSE"
	case ActionCommand:
		return "COMMAND"
	case ActionAcknowledge:
		return "ACKNOWLEDGE"
	}
	return fmt.Sprintf("actionField %d", uint8(a))
}

// ErrorID is a managementErrorId: why a request was refused (IEEE 1588-2019, table 109).
type ErrorID uint16

// NoError means that the request was served; it is never sent. The others are the
// reasons that linuxptp gives.
const (
	NoError             ErrorID = 0
	ErrorResponseTooBig ErrorID = 1
	ErrorNoSuchID       ErrorID = 2 // this linuxptp is too old for the data set
	ErrorWrongLength    ErrorID = 3
	ErrorWrongValue     ErrorID = 4 // also: no such port
	ErrorNotSetable     ErrorID = 5
	ErrorNotSupported   ErrorID = 6 // also: not through the read-only socket
	ErrorGeneral        ErrorID = 0xFFFE
)

// String returns the name of the error in the standard, such as "NO_SUCH_ID".
func (e ErrorID) String() string {
	switch e {
	case NoError:
		return "no error"
	case ErrorResponseTooBig:
		return "RESPONSE_TOO_BIG"
	case ErrorNoSuchID:
		return "NO_SUCH_ID"
	case ErrorWrongLength:
		return "WRONG_LENGTH"
	case ErrorWrongValue:
		return "WRONG_VALUE"
	case ErrorNotSetable:
		return "NOT_SETABLE"
	case ErrorNotSupported:
		return "NOT_SUPPORTED"
	case ErrorGeneral:
		return "GENERAL_ERROR"
	}
	return fmt.Sprintf("managementErrorId 0x%04X", uint16(e))
}

// StatusError is the answer to a request that was understood and refused.
type StatusError struct {
	ID     ID
	Status ErrorID
}

// Error names the data set and the reason.
func (e StatusError) Error() string {
	return fmt.Sprintf("%v refused: %v", e.ID, e.Status)
}
