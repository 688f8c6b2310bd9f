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
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/eventing-ptp/eventing-ptp/pkg/clock"
)

// What gpsd 3.22 and 3.25 of Debian have said, but for the values.
const (
	greeting = `{"class":"VERSION","release":"3.22","rev":"3.22","proto_major":3,"proto_minor":14}`
	listing  = `{"class":"DEVICES","devices":[{"class":"DEVICE","path":"/dev/gnss0","driver":"u-blox","activated":"2026-11-26T03:20:00.000Z","flags":1,"native":1,"bps":9600,"parity":"N","stopbits":1,"cycle":1.00,"mincycle":0.02},{"class":"DEVICE","path":"/dev/ttyACM0"}]}`
	watching = `{"class":"WATCH","enable":true,"json":true,"nmea":false,"raw":0,"scaled":false,"timing":false,"split24":false,"pps":false}`
	opened   = `{"class":"DEVICE","path":"/dev/ttyACM0","driver":"NMEA0183","activated":"2026-11-26T03:20:01.000Z"}`
	closed   = `{"class":"DEVICE","path":"/dev/gnss0","activated":0}`
	skyView  = `{"class":"SKY","device":"/dev/gnss0","nSat":3,"uSat":1,"satellites":[{"PRN":1,"el":40.0,"az":83.0,"ss":46.0,"used":true},{"PRN":2,"el":17.0,"az":308.0,"ss":41.0,"used":false},{"PRN":12,"el":7.0,"az":344.0,"ss":0.0,"used":false}]}`
	dops     = `{"class":"SKY","device":"/dev/gnss0","xdop":0.5,"ydop":0.5}`
	fix3D    = `{"class":"TPV","device":"/dev/gnss0","status":2,"mode":3,"time":"2026-11-26T03:20:02.000Z","lat":48.1,"lon":11.5}`
)

func TestParse(t *testing.T) {
	one := 1
	for _, tc := range []struct {
		name, line string
		want       message
	}{
		{"version", greeting, message{version: &version{Release: "3.22", Major: 3}}},
		{"devices", listing, message{devices: []device{
			{Path: "/dev/gnss0", Activated: []byte(`"2026-11-26T03:20:00.000Z"`), Driver: "u-blox", Flags: 1, Cycle: 1},
			{Path: "/dev/ttyACM0"},
		}}},
		{"no devices", `{"class":"DEVICES","devices":[]}`, message{devices: []device{}}},
		{"a device that is opened", opened, message{device: &device{Path: "/dev/ttyACM0", Driver: "NMEA0183", Activated: []byte(`"2026-11-26T03:20:01.000Z"`)}}},
		{"a device that is closed", closed, message{device: &device{Path: "/dev/gnss0", Activated: []byte(`0`)}}},
		{"a fix", fix3D, message{tpv: &tpv{Device: "/dev/gnss0", Mode: 3, Status: 2}}},
		{"no fix, and an antenna", `{"class":"TPV","device":"/dev/gnss0","mode":1,"ant":2}`, message{tpv: &tpv{Device: "/dev/gnss0", Mode: 1, Antenna: 2}}},
		{"satellites", skyView, message{sky: &sky{Device: "/dev/gnss0", Used: &one, Satellites: []satellite{{46, true}, {41, false}, {0, false}}}}},
		{"precision", dops, message{sky: &sky{Device: "/dev/gnss0"}}},
		{"what is of no interest", watching, message{}},
		{"a class of tomorrow", `{"class":"FUTURE","mode":"x"}`, message{}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, err := parse([]byte(tc.line))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, got, cmp.AllowUnexported(message{})); diff != "" {
				t.Errorf("message (-want +got):\n%s", diff)
			}
		})
	}
}

func TestParseRefuses(t *testing.T) {
	for _, tc := range []struct {
		line, want string
		alien      bool // not gpsd at all
	}{
		{line: `HTTP/1.1 400 Bad Request`, want: `what answers is not gpsd: it does not speak JSON: "HTTP/1.1 400 Bad Request"`, alien: true},
		{line: `{"release":"3.22"}`, want: `what answers is not gpsd: it does not speak JSON: "{\"release\":\"3.22\"}"`, alien: true},
		{line: `[1]`, want: `what answers is not gpsd: it does not speak JSON: "[1]"`, alien: true},
		{line: `{"class":"TPV","mode":"three"}`, want: "read gpsd's TPV: json: cannot unmarshal string into Go struct field tpv.mode of type int"},
	} {
		_, err := parse([]byte(tc.line))
		if err == nil || err.Error() != tc.want || errors.Is(err, errNoJSON) != tc.alien {
			t.Errorf("%s: got %v, want %s", tc.line, err, tc.want)
		}
	}
	m, err := parse([]byte(`{"class":"ERROR","message":"Unrecognized request 'X'"}`))
	if want := `gpsd says: "Unrecognized request 'X'"`; err != nil || m.err == nil || m.err.Error() != want {
		t.Errorf("got %v, %v, want %s", m.err, err, want)
	}
}

func TestWhatIsAReceiver(t *testing.T) {
	for _, tc := range []struct {
		device device
		want   bool
	}{
		{device{Path: "/dev/gnss0"}, true},
		{device{Path: "/dev/ttyACM0", Driver: "u-blox", Flags: 1}, true},
		{device{Path: "tcp://10.0.0.1:4711", Driver: "NMEA0183", Flags: 9}, true},
		{device{Path: "/dev/pps0"}, false},
		{device{Path: "/dev/ttyS0", Driver: "PPS"}, false},
		{device{Path: "ntrip://user@caster/mount"}, false},
		{device{Path: "dgpsip://caster"}, false},
		{device{Path: "/dev/ttyS1", Driver: "RTCM104V3", Flags: 4}, false},
		{device{Path: "/dev/ttyS2", Driver: "AIVDM", Flags: 8}, false},
	} {
		if got := tc.device.receiver(); got != tc.want {
			t.Errorf("%+v: %v, want %v", tc.device, got, tc.want)
		}
	}
}

func TestFix(t *testing.T) {
	for _, tc := range []struct {
		mode, status int
		want         clock.GNSSFix
	}{
		{0, 0, clock.FixNone},
		{1, 0, clock.FixNone},
		{1, 2, clock.FixNone},
		{2, 0, clock.Fix2D},
		{2, 1, clock.Fix2D},
		{2, 6, clock.Fix2D},
		{3, 0, clock.Fix3D},
		{3, 2, clock.Fix3D},
		{3, 4, clock.Fix3D},
		{3, 5, clock.FixDeadReckoning},
		{3, 6, clock.FixWithDeadReckoning},
		{3, 7, clock.FixTimeOnly},
		{3, 8, clock.FixNone},
		{3, 9, clock.Fix3D},
	} {
		if got := (tpv{Mode: tc.mode, Status: tc.status}).fix(); got != tc.want {
			t.Errorf("mode %d, status %d: fix %d, want %d", tc.mode, tc.status, got, tc.want)
		}
	}
}

func TestReceived(t *testing.T) {
	for _, tc := range []struct {
		name, line string
		want       int
		known      bool
	}{
		{"heard or used", skyView, 2, true},
		{"used, by a receiver that does not say how strong", `{"class":"SKY","satellites":[{"used":true},{"used":false},{"ss":-1.0}]}`, 1, true},
		{"none", `{"class":"SKY","satellites":[]}`, 0, true},
		{"a number alone", `{"class":"SKY","nSat":12,"uSat":7}`, 7, true},
		{"nothing of them", dops, 0, false},
	} {
		m, err := parse([]byte(tc.line))
		if err != nil {
			t.Fatal(err)
		}
		if got, known := m.sky.received(); got != tc.want || known != tc.known {
			t.Errorf("%s: %d, %v, want %d, %v", tc.name, got, known, tc.want, tc.known)
		}
	}
}

func TestName(t *testing.T) {
	for path, want := range map[string]string{
		"/dev/gnss0":               "gnss0",
		"/dev/serial/by-id/usb-x":  "serial.by-id.usb-x",
		"tcp://127.0.0.1:4711":     "tcp://127.0.0.1:4711",
		"gpsd://ntp.example.com:1": "gpsd://ntp.example.com:1",
	} {
		if got := name(path); got != want {
			t.Errorf("%s is called %s, want %s", path, got, want)
		}
	}
}

// Whatever comes, it is read or refused, and what is said of it makes sense.
func FuzzParse(f *testing.F) {
	for _, line := range []string{greeting, listing, watching, opened, closed, skyView, dops, fix3D, `{"class":"ERROR","message":""}`, `{"class":"DEVICES"}`} {
		f.Add([]byte(line))
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		m, err := parse(line)
		if err != nil {
			if m.tpv != nil || m.devices != nil {
				t.Errorf("%q is refused, and is %+v", line, m)
			}
			return
		}
		if m.tpv != nil && m.tpv.Mode < 2 && m.tpv.fix() != clock.FixNone {
			t.Errorf("%q is a fix", line)
		}
		if m.sky != nil {
			if n, ok := m.sky.received(); n < 0 || !ok && n != 0 {
				t.Errorf("%q: %d satellites, %v", line, n, ok)
			}
		}
		for _, d := range m.devices {
			d.open()
			if p := (&receiver{device: d}).patience(); p < silence {
				t.Errorf("%q: patience of %v", line, p)
			}
		}
	})
}
