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
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/eventing-ptp/eventing-ptp/pkg/clock"
	"github.com/eventing-ptp/eventing-ptp/pkg/observe/observetest"
)

// gpsd is a scripted gpsd. Its time is that of the bubble.
type gpsd struct {
	t  *testing.T
	mu sync.Mutex
	// refuses is why nobody can connect; nil if one can.
	refuses error
	// greets is what it says to whoever connects; hangs is whether it reads nothing and says
	// nothing; devices is what it answers about its devices, empty for no answer.
	greets, devices string
	hangs           bool
	conn            net.Conn
	dials           []time.Duration // since the start
	started         time.Time
}

func newGPSD(t *testing.T) *gpsd {
	return &gpsd{t: t, greets: greeting, devices: listing, started: time.Now()}
}

func (g *gpsd) dial(context.Context) (net.Conn, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.dials = append(g.dials, time.Since(g.started))
	if g.refuses != nil {
		return nil, g.refuses
	}
	client, server := net.Pipe()
	g.conn = server
	go g.serve(server)
	return client, nil
}

func (g *gpsd) serve(conn net.Conn) {
	say := func(lines ...string) {
		for _, line := range lines {
			if line != "" {
				fmt.Fprintf(conn, "%s\r\n", line)
			}
		}
	}
	g.mu.Lock()
	greets := g.greets
	g.mu.Unlock()
	say(greets)
	requests := bufio.NewScanner(conn)
	for requests.Scan() {
		g.mu.Lock()
		devices, hangs := g.devices, g.hangs
		g.mu.Unlock()
		switch request := requests.Text(); {
		case hangs:
		case strings.HasPrefix(request, "?WATCH="):
			say(devices, watching)
		case request == "?DEVICES;":
			say(devices)
		default:
			g.t.Errorf("gpsd is asked %q", request)
		}
	}
}

// set changes what gpsd does from now on.
func (g *gpsd) set(change func()) {
	synctest.Wait()
	g.mu.Lock()
	defer g.mu.Unlock()
	change()
}

// say lets gpsd say something, of its own.
func (g *gpsd) say(lines ...string) {
	synctest.Wait()
	for _, line := range lines {
		if _, err := fmt.Fprintf(g.conn, "%s\n", line); err != nil {
			g.t.Errorf("nobody hears %s: %v", line, err)
		}
	}
}

// talk lets gpsd say a line every second, for some seconds.
func (g *gpsd) talk(seconds int, line string) {
	for range seconds {
		g.say(line)
		time.Sleep(time.Second)
	}
}

// watch runs a watcher of g until the test ends.
func watch(t *testing.T, g *gpsd) *observetest.Watching {
	t.Helper()
	t.Cleanup(func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		if g.conn != nil {
			_ = g.conn.Close()
		}
	})
	return observetest.Start(t, func(emit func(clock.Observation), log *zap.SugaredLogger) func(context.Context) {
		w := NewWatcher("localhost:2947", time.Now(), emit, log)
		w.dial = g.dial
		return w.Run
	})
}

func wantLogs(t *testing.T, s *observetest.Watching, want ...string) {
	t.Helper()
	s.WantLogs(t, func(_ int, e observer.LoggedEntry) string { return e.Message }, want...)
}

const bothListed = "0s clock.GNSSReceivers{Open:[gnss0] Closed:[ttyACM0]}"

func TestReports(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGPSD(t)
		s := watch(t, g)
		s.Want(t, bothListed)
		g.say(fix3D)
		s.Want(t, "0s gnss0 clock.GNSSReport{Fix:4 Satellites:0 Antenna:0}")
		time.Sleep(time.Second)
		g.say(skyView, `{"class":"TPV","device":"/dev/gnss0","mode":1,"ant":3}`)
		s.Want(t, "1s gnss0 clock.GNSSReport{Fix:1 Satellites:2 Antenna:3}")
		// Not every report says so of the antenna. What is not said again is not believed for ever.
		for range 11 {
			time.Sleep(time.Second)
			g.say(`{"class":"TPV","device":"/dev/gnss0","mode":1}`)
		}
		want := []string{"10s gnss0 clock.GNSSReport{Fix:1 Satellites:2 Antenna:3}", "11s gnss0 clock.GNSSReport{Fix:1 Satellites:0 Antenna:0}", "12s gnss0 clock.GNSSReport{Fix:1 Satellites:0 Antenna:0}"}
		if diff := cmp.Diff(want, s.Take()[8:]); diff != "" {
			t.Errorf("observations (-want +got):\n%s", diff)
		}
		wantLogs(t, s, "connected to gpsd", "GNSS receivers of gpsd")
	})
}

func TestReceiversComeAndGo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGPSD(t)
		s := watch(t, g)
		s.Want(t, bothListed)
		g.say(opened)
		s.Want(t, "0s clock.GNSSReceivers{Open:[gnss0 ttyACM0] Closed:[]}")
		g.say(closed)
		s.Want(t, "0s clock.GNSSReceivers{Open:[ttyACM0] Closed:[gnss0]}")
		// Who speaks is open, whatever was said of it, and who is not in the list is gone.
		g.say(fix3D)
		s.Want(t, "0s clock.GNSSReceivers{Open:[gnss0 ttyACM0] Closed:[]}", "0s gnss0 clock.GNSSReport{Fix:4 Satellites:0 Antenna:0}")
		g.set(func() { g.devices = `{"class":"DEVICES","devices":[]}` })
		time.Sleep(heartbeat)
		s.Want(t, "2s clock.GNSSReceivers{Open:[] Closed:[]}")
		g.set(func() { g.devices = listing })
		time.Sleep(heartbeat)
		s.Want(t, "4s clock.GNSSReceivers{Open:[gnss0] Closed:[ttyACM0]}")
	})
}

// What gpsd reads besides receivers is not missed when it says nothing.
func TestOtherDevices(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGPSD(t)
		g.devices = `{"class":"DEVICES","devices":[{"class":"DEVICE","path":"/dev/pps0","driver":"PPS","activated":"2026-11-26T03:20:00.000Z"},` +
			`{"class":"DEVICE","path":"/dev/ttyS2","driver":"AIVDM","activated":"2026-11-26T03:20:00.000Z","flags":8}]}`
		s := watch(t, g)
		s.Want(t, "0s clock.GNSSReceivers{Open:[] Closed:[]}")
		g.say(strings.ReplaceAll(opened, "ttyACM0", "pps1"))
		time.Sleep(time.Minute)
		s.Want(t)
	})
}

func TestReceiverSilence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGPSD(t)
		s := watch(t, g)
		s.Want(t, bothListed)
		g.talk(10, fix3D)
		s.Take()
		time.Sleep(20 * time.Second)
		s.Want(t, "14s gnss0 clock.GNSSSilence{For:5s}")
		g.say(fix3D)
		s.Want(t, "30s gnss0 clock.GNSSReport{Fix:4 Satellites:0 Antenna:0}")
		wantLogs(t, s, "connected to gpsd", "GNSS receivers of gpsd", "a GNSS receiver says nothing", "a GNSS receiver speaks again")
	})
}

func TestSlowReceiverHasMoreTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGPSD(t)
		g.devices = strings.ReplaceAll(listing, `"cycle":1.00`, `"cycle":10.00`)
		s := watch(t, g)
		s.Want(t, bothListed)
		time.Sleep(50 * time.Second)
		s.Want(t, "40s gnss0 clock.GNSSSilence{For:40s}")
	})
}

func TestGPSDGoesAndComesBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGPSD(t)
		s := watch(t, g)
		s.Want(t, bothListed)
		g.set(func() {
			_ = g.conn.Close()
			g.refuses = errors.New("connection refused")
		})
		synctest.Wait()
		s.Want(t, "0s clock.GNSSDown{Cause:gpsd has closed the connection}")
		time.Sleep(time.Minute)
		g.set(func() { g.refuses = nil })
		time.Sleep(lastRetry)
		lines := s.Take()
		down, last := lines[0], lines[len(lines)-1]
		if down != "250ms clock.GNSSDown{Cause:connect to gpsd: connection refused}" || !strings.HasSuffix(last, "clock.GNSSReceivers{Open:[gnss0] Closed:[ttyACM0]}") {
			t.Errorf("observed %s, ..., %s", down, last)
		}
		// Ever more rarely, but no more rarely than every 5 s.
		var pauses []time.Duration
		for n := 1; n < 8; n++ {
			pauses = append(pauses, g.dials[n]-g.dials[n-1])
		}
		ms := time.Millisecond
		if want := []time.Duration{250 * ms, 500 * ms, 1000 * ms, 2000 * ms, 4000 * ms, 5000 * ms, 5000 * ms}; !slices.Equal(pauses, want) {
			t.Errorf("connected after pauses of %v, want %v", pauses, want)
		}
		wantLogs(t, s, "connected to gpsd", "GNSS receivers of gpsd", "gpsd cannot be read", "gpsd cannot be read", "connected to gpsd", "GNSS receivers of gpsd")
	})
}

func TestGPSDThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGPSD(t)
		s := watch(t, g)
		s.Want(t, bothListed)
		g.talk(3, fix3D)
		s.Take()
		g.set(func() { g.hangs = true })
		time.Sleep(silence)
		want := []string{"7s clock.GNSSDown{Cause:gpsd says nothing for 5s: it hangs, or what listens there is not gpsd}"}
		if diff := cmp.Diff(want, s.Take()[:1]); diff != "" {
			t.Errorf("observations (-want +got):\n%s", diff)
		}
	})
}

func TestWhatIsNotGPSD(t *testing.T) {
	for _, tc := range []struct{ name, greets, want string }{
		{"nothing", "", "5s clock.GNSSDown{Cause:gpsd says nothing for 5s: it hangs, or what listens there is not gpsd}"},
		{"another protocol", "220 mail.example.com ESMTP", `0s clock.GNSSDown{Cause:what answers is not gpsd: it does not speak JSON: "220 mail.example.com ESMTP"}`},
		{"JSON of something else", fix3D, `0s clock.GNSSDown{Cause:what answers is not gpsd: it began with "{\"class\":\"TPV\",\"device\":\"/dev/gnss0\",\"status\":2,\"mode\":3,\"ti"}`},
		{"another version", `{"class":"VERSION","release":"9.1","proto_major":4}`, `0s clock.GNSSDown{Cause:gpsd "9.1" speaks version 4 of its protocol, this program knows 3}`},
		{"a line without an end", strings.Repeat("x", longestLine+1), "0s clock.GNSSDown{Cause:what answers is not gpsd: it does not speak JSON: a line is longer than 65536 bytes}"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := newGPSD(t)
				g.greets = tc.greets
				s := watch(t, g)
				if tc.greets == "" {
					time.Sleep(silence)
				}
				s.Want(t, tc.want)
				wantLogs(t, s, "gpsd cannot be read")
			})
		})
	}
}

func TestWhatIsOfNoUseIsPassedOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGPSD(t)
		s := watch(t, g)
		s.Want(t, bothListed)
		for range 3 {
			g.say(`{"class":"ERROR","message":"x"}`, "", `{"class":"TPV","mode":"three"}`, `{"class":"TPV","mode":3}`, `{"class":"SKY"}`, `{"class":"DEVICE","path":"/dev/gnss0"}`)
		}
		g.say(fix3D)
		s.Want(t, "0s gnss0 clock.GNSSReport{Fix:4 Satellites:0 Antenna:0}")
	})
}

func TestTooManyReceivers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGPSD(t)
		s := watch(t, g)
		s.Want(t, bothListed)
		for n := range 2 * mostReceivers {
			g.say(fmt.Sprintf(`{"class":"TPV","device":"/dev/x%d","mode":3}`, n))
		}
		reports := 0
		for _, line := range s.Take() {
			if strings.Contains(line, "GNSSReport") {
				reports++
			}
		}
		if reports != mostReceivers-2 {
			t.Errorf("%d receivers besides two, of %d at most", reports, mostReceivers)
		}
	})
}
