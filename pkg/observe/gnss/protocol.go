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

package gnss

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/eventing-ptp/eventing-ptp/pkg/clock"
)

// message is one line of gpsd's (gpsd_json(5)): exactly one of its fields is set, or none for
// what is of no interest here.
type message struct {
	version *version
	devices []device // in the order of gpsd; not nil for DEVICES
	device  *device
	tpv     *tpv
	sky     *sky
	err     error // ERROR
}

// version is what gpsd says first.
type version struct {
	Release string `json:"release"`
	// Major is raised when older clients understand it no more; 3 since 2010.
	Major int `json:"proto_major"`
}

// protocol is the version of the protocol that is understood here.
const protocol = 3

// device is what gpsd reads from, as DEVICES and DEVICE tell of it.
type device struct {
	Path string `json:"path"`
	// Activated is when gpsd has opened it, as a text; absent or 0 if it has not.
	Activated json.RawMessage `json:"activated"`
	Driver    string          `json:"driver"`
	// Flags is what has come from it so far: 1 for GNSS, 2 and 4 for corrections, 8 for AIS.
	Flags int `json:"flags"`
	// Cycle is how many seconds are between two reports, where gpsd knows.
	Cycle float64 `json:"cycle"`
}

// open is whether gpsd reads it.
func (d device) open() bool {
	var at string
	return json.Unmarshal(d.Activated, &at) == nil && at != ""
}

// receiver is whether it is a GNSS receiver, as far as can be seen: not one that gives a pulse,
// corrections or the positions of ships alone. These have no fix, and never will.
func (d device) receiver() bool {
	const gnss = 1
	for _, other := range []string{"/dev/pps", "ntrip://", "dgpsip://"} {
		if strings.HasPrefix(d.Path, other) {
			return false
		}
	}
	return d.Driver != "PPS" && (d.Flags == 0 || d.Flags&gnss != 0)
}

// tpv is a report of time, position and velocity.
type tpv struct {
	Device string `json:"device"`
	// Mode is 0 or 1 for no fix, 2 for two dimensions, 3 for three.
	Mode int `json:"mode"`
	// Status is how the fix was made, where gpsd says.
	Status int `json:"status"`
	// Antenna is 2 for open, 3 for a short circuit, 1 for good, and absent where gpsd says
	// nothing of it, which it also does of a good one: so in gps.h and in what gpsd 3.27 makes
	// of a receiver's UBX-MON-RF (gpsd_json(5) has open and short the wrong way round). gpsd
	// says so since 3.26, once for each time that the receiver does.
	Antenna int `json:"ant"`
}

// What Status says besides an ordinary fix (gpsd's gps.h).
const (
	statusDeadReckoning     = 5
	statusGNSSDeadReckoning = 6
	statusTime              = 7 // a receiver that was surveyed in
	statusSimulated         = 8
)

func (t tpv) fix() clock.GNSSFix {
	switch {
	case t.Mode < 2, t.Status == statusSimulated: // what is made up is no fix
		return clock.FixNone
	case t.Status == statusDeadReckoning:
		return clock.FixDeadReckoning
	case t.Status == statusTime:
		return clock.FixTimeOnly
	case t.Mode == 2:
		return clock.Fix2D
	case t.Status == statusGNSSDeadReckoning:
		return clock.FixWithDeadReckoning
	}
	return clock.Fix3D
}

func (t tpv) antenna() clock.Antenna {
	switch t.Antenna {
	case 1:
		return clock.AntennaOK
	case 2:
		return clock.AntennaOpen
	case 3:
		return clock.AntennaShort
	}
	return clock.AntennaUnknown
}

// sky is a report of the satellites.
type sky struct {
	Device string `json:"device"`
	// Used is how many are used; absent in old versions, and in a SKY that is about
	// precision alone.
	Used       *int        `json:"uSat"`
	Satellites []satellite `json:"satellites"`
}

type satellite struct {
	// Strength is in dB-Hz; 0, negative or absent for one that is expected and not heard.
	Strength float64 `json:"ss"`
	Used     bool    `json:"used"`
}

// received is how many satellites are heard, and whether the report says so.
func (s sky) received() (int, bool) {
	if s.Satellites == nil {
		if s.Used == nil {
			return 0, false
		}
		return max(0, *s.Used), true
	}
	count := 0
	for _, one := range s.Satellites {
		if one.Used || one.Strength > 0 {
			count++
		}
	}
	return count, true
}

var errNoJSON = errors.New("what answers is not gpsd: it does not speak JSON")

// parse reads a line. Classes and members that are not known are no error.
func parse(line []byte) (message, error) {
	var head struct {
		Class   string   `json:"class"`
		Devices []device `json:"devices"`
		Message string   `json:"message"`
	}
	var class struct {
		Class string `json:"class"`
	}
	if err := json.Unmarshal(line, &class); err != nil || class.Class == "" {
		return message{}, fmt.Errorf("%w: %.60q", errNoJSON, line)
	}
	var m message
	var into any
	switch class.Class {
	case "VERSION":
		m.version = &version{}
		into = m.version
	case "DEVICES", "ERROR":
		into = &head
	case "DEVICE":
		m.device = &device{}
		into = m.device
	case "TPV":
		m.tpv = &tpv{}
		into = m.tpv
	case "SKY":
		m.sky = &sky{}
		into = m.sky
	default:
		return message{}, nil
	}
	if err := json.Unmarshal(line, into); err != nil {
		return message{}, fmt.Errorf("read gpsd's %s: %w", class.Class, err)
	}
	switch class.Class {
	case "DEVICES":
		m.devices = append([]device{}, head.Devices...)
	case "ERROR":
		m.err = fmt.Errorf("gpsd says: %.200q", head.Message)
	}
	return m, nil
}
