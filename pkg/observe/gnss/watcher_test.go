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

// seen is what a watcher has reported, a line for each observation.
type seen struct {
	mu    sync.Mutex
	lines []string
	logs  *observer.ObservedLogs
}

// watch runs a watcher of g until the test ends.
func watch(t *testing.T, g *gpsd) *seen {
	t.Helper()
	core, logs := observer.New(zap.InfoLevel)
	s := &seen{logs: logs}
	w := NewWatcher("localhost:2947", time.Now(), func(o clock.Observation) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.lines = append(s.lines, strings.TrimPrefix(fmt.Sprintf("%v %s %T%+v", time.Duration(o.At), o.Instance, o.Fact, o.Fact), ""))
	}, zap.New(core).Sugar())
	w.dial = g.dial
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		w.Run(ctx)
	}()
	t.Cleanup(func() {
		cancel()
		<-ended
		g.mu.Lock()
		defer g.mu.Unlock()
		if g.conn != nil {
			_ = g.conn.Close()
		}
	})
	return s
}

func (s *seen) want(t *testing.T, want ...string) {
	t.Helper()
	synctest.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	if diff := cmp.Diff(want, s.lines); diff != "" {
		t.Errorf("observations (-want +got):\n%s", diff)
	}
	s.lines = nil
}

func (s *seen) wantLogs(t *testing.T, want ...string) {
	t.Helper()
	synctest.Wait()
	var got []string
	for _, entry := range s.logs.TakeAll() {
		got = append(got, entry.Message)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("logs (-want +got):\n%s", diff)
	}
}

const bothListed = "0s  clock.GNSSReceivers{Open:[gnss0] Closed:[ttyACM0]}"

func TestReports(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGPSD(t)
		s := watch(t, g)
		s.want(t, bothListed)
		g.say(fix3D)
		s.want(t, "0s gnss0 clock.GNSSReport{Fix:4 Satellites:0 Antenna:0}")
		time.Sleep(time.Second)
		g.say(skyView, `{"class":"TPV","device":"/dev/gnss0","mode":1,"ant":3}`)
		s.want(t, "1s gnss0 clock.GNSSReport{Fix:1 Satellites:2 Antenna:3}")
		// Not every report says so of the antenna. What is not said again is not believed for ever.
		for range 11 {
			time.Sleep(time.Second)
			g.say(`{"class":"TPV","device":"/dev/gnss0","mode":1}`)
		}
		synctest.Wait()
		s.mu.Lock()
		s.lines = s.lines[8:]
		s.mu.Unlock()
		s.want(t, "10s gnss0 clock.GNSSReport{Fix:1 Satellites:2 Antenna:3}", "11s gnss0 clock.GNSSReport{Fix:1 Satellites:0 Antenna:0}", "12s gnss0 clock.GNSSReport{Fix:1 Satellites:0 Antenna:0}")
		s.wantLogs(t, "connected to gpsd", "GNSS receivers of gpsd")
	})
}

func TestReceiversComeAndGo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGPSD(t)
		s := watch(t, g)
		s.want(t, bothListed)
		g.say(opened)
		s.want(t, "0s  clock.GNSSReceivers{Open:[gnss0 ttyACM0] Closed:[]}")
		g.say(closed)
		s.want(t, "0s  clock.GNSSReceivers{Open:[ttyACM0] Closed:[gnss0]}")
		// Who speaks is open, whatever was said of it, and who is not in the list is gone.
		g.say(fix3D)
		s.want(t, "0s  clock.GNSSReceivers{Open:[gnss0 ttyACM0] Closed:[]}", "0s gnss0 clock.GNSSReport{Fix:4 Satellites:0 Antenna:0}")
		g.set(func() { g.devices = `{"class":"DEVICES","devices":[]}` })
		time.Sleep(heartbeat)
		s.want(t, "2s  clock.GNSSReceivers{Open:[] Closed:[]}")
		g.set(func() { g.devices = listing })
		time.Sleep(heartbeat)
		s.want(t, "4s  clock.GNSSReceivers{Open:[gnss0] Closed:[ttyACM0]}")
	})
}

// What gpsd reads besides receivers is not missed when it says nothing.
func TestOtherDevices(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGPSD(t)
		g.devices = `{"class":"DEVICES","devices":[{"class":"DEVICE","path":"/dev/pps0","driver":"PPS","activated":"2026-11-26T03:20:00.000Z"},` +
			`{"class":"DEVICE","path":"/dev/ttyS2","driver":"AIVDM","activated":"2026-11-26T03:20:00.000Z","flags":8}]}`
		s := watch(t, g)
		s.want(t, "0s  clock.GNSSReceivers{Open:[] Closed:[]}")
		g.say(strings.ReplaceAll(opened, "ttyACM0", "pps1"))
		time.Sleep(time.Minute)
		s.want(t)
	})
}

func TestReceiverSilence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGPSD(t)
		s := watch(t, g)
		s.want(t, bothListed)
		g.talk(10, fix3D)
		synctest.Wait()
		s.mu.Lock()
		s.lines = nil
		s.mu.Unlock()
		time.Sleep(20 * time.Second)
		s.want(t, "14s gnss0 clock.GNSSSilence{For:5s}")
		g.say(fix3D)
		s.want(t, "30s gnss0 clock.GNSSReport{Fix:4 Satellites:0 Antenna:0}")
		s.wantLogs(t, "connected to gpsd", "GNSS receivers of gpsd", "a GNSS receiver says nothing", "a GNSS receiver speaks again")
	})
}

func TestSlowReceiverHasMoreTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGPSD(t)
		g.devices = strings.ReplaceAll(listing, `"cycle":1.00`, `"cycle":10.00`)
		s := watch(t, g)
		s.want(t, bothListed)
		time.Sleep(50 * time.Second)
		s.want(t, "40s gnss0 clock.GNSSSilence{For:40s}")
	})
}

func TestGPSDGoesAndComesBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGPSD(t)
		s := watch(t, g)
		s.want(t, bothListed)
		g.set(func() {
			_ = g.conn.Close()
			g.refuses = errors.New("connection refused")
		})
		synctest.Wait()
		s.want(t, "0s  clock.GNSSDown{Cause:gpsd has closed the connection}")
		time.Sleep(time.Minute)
		g.set(func() { g.refuses = nil })
		time.Sleep(lastRetry)
		synctest.Wait()
		s.mu.Lock()
		down, last := s.lines[0], s.lines[len(s.lines)-1]
		s.mu.Unlock()
		if down != "250ms  clock.GNSSDown{Cause:connect to gpsd: connection refused}" || !strings.HasSuffix(last, "clock.GNSSReceivers{Open:[gnss0] Closed:[ttyACM0]}") {
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
		s.wantLogs(t, "connected to gpsd", "GNSS receivers of gpsd", "gpsd cannot be read", "gpsd cannot be read", "connected to gpsd", "GNSS receivers of gpsd")
	})
}

func TestGPSDThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGPSD(t)
		s := watch(t, g)
		s.want(t, bothListed)
		g.talk(3, fix3D)
		synctest.Wait()
		s.mu.Lock()
		s.lines = nil
		s.mu.Unlock()
		g.set(func() { g.hangs = true })
		time.Sleep(silence)
		synctest.Wait()
		s.mu.Lock()
		defer s.mu.Unlock()
		want := []string{"7s  clock.GNSSDown{Cause:gpsd says nothing for 5s: it hangs, or what listens there is not gpsd}"}
		if diff := cmp.Diff(want, s.lines[:min(1, len(s.lines))]); diff != "" {
			t.Errorf("observations (-want +got):\n%s", diff)
		}
	})
}

func TestWhatIsNotGPSD(t *testing.T) {
	for _, tc := range []struct{ name, greets, want string }{
		{"nothing", "", "5s  clock.GNSSDown{Cause:gpsd says nothing for 5s: it hangs, or what listens there is not gpsd}"},
		{"another protocol", "220 mail.example.com ESMTP", `0s  clock.GNSSDown{Cause:what answers is not gpsd: it does not speak JSON: "220 mail.example.com ESMTP"}`},
		{"JSON of something else", fix3D, `0s  clock.GNSSDown{Cause:what answers is not gpsd: it began with "{\"class\":\"TPV\",\"device\":\"/dev/gnss0\",\"status\":2,\"mode\":3,\"ti"}`},
		{"another version", `{"class":"VERSION","release":"9.1","proto_major":4}`, `0s  clock.GNSSDown{Cause:gpsd "9.1" speaks version 4 of its protocol, this program knows 3}`},
		{"a line without an end", strings.Repeat("x", longestLine+1), "0s  clock.GNSSDown{Cause:what answers is not gpsd: it does not speak JSON: a line is longer than 65536 bytes}"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := newGPSD(t)
				g.greets = tc.greets
				s := watch(t, g)
				if tc.greets == "" {
					time.Sleep(silence)
				}
				s.want(t, tc.want)
				s.wantLogs(t, "gpsd cannot be read")
			})
		})
	}
}

func TestWhatIsOfNoUseIsPassedOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGPSD(t)
		s := watch(t, g)
		s.want(t, bothListed)
		for range 3 {
			g.say(`{"class":"ERROR","message":"x"}`, "", `{"class":"TPV","mode":"three"}`, `{"class":"TPV","mode":3}`, `{"class":"SKY"}`, `{"class":"DEVICE","path":"/dev/gnss0"}`)
		}
		g.say(fix3D)
		s.want(t, "0s gnss0 clock.GNSSReport{Fix:4 Satellites:0 Antenna:0}")
	})
}

func TestTooManyReceivers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGPSD(t)
		s := watch(t, g)
		s.want(t, bothListed)
		for n := range 2 * mostReceivers {
			g.say(fmt.Sprintf(`{"class":"TPV","device":"/dev/x%d","mode":3}`, n))
		}
		synctest.Wait()
		s.mu.Lock()
		defer s.mu.Unlock()
		reports := 0
		for _, line := range s.lines {
			if strings.Contains(line, "GNSSReport") {
				reports++
			}
		}
		if reports != mostReceivers-2 {
			t.Errorf("%d receivers besides two, of %d at most", reports, mostReceivers)
		}
	})
}
