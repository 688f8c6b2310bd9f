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

package clock

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
)

// A fault is what happens to one part of a node.
type fault struct {
	at   Instant
	what string
	size time.Duration // of a step, or what a clock drifts in a second
}

func (f fault) String() string { return fmt.Sprintf("%v %s %v", time.Duration(f.at), f.what, f.size) }

// How a node of the fault scripts is watched, and works. They are what watchers and daemons do.
const (
	tick         = 10 * time.Millisecond
	syncInterval = 125 * time.Millisecond
	// silenceAfter is when package linuxptp takes a source for lost, and confirmed how long it
	// then waits for ptp4l's word.
	silenceAfter, confirmed = 500 * time.Millisecond, 100 * time.Millisecond
	announceTimeout         = 3 * time.Second
	osPoll                  = 250 * time.Millisecond // of the kernel, beside hardware clocks
	gnssSilence             = 5 * time.Second
	classDelay              = 3 * time.Second // until who minds the class of a grandmaster does so
	slowPoll                = 5 * time.Second
)

// plant is a node with its clocks: what they really are, what daemons make of them, and what
// watchers see of that. It plays no part of package clock.
type plant struct {
	r    *rand.Rand
	now  Instant
	emit func(instance string, f Fact)
	// mute are the kinds of facts that watchers do not report: a test of the test.
	mute func(Fact) bool

	// hardwarePoll and phc2sysInterval are how often the clock is read, and adjusted.
	hardwarePoll, phc2sysInterval time.Duration
	// roleGM is whether ptp4l is grandmaster, by GNSS, and not a follower.
	roleGM bool

	// What is true. hc is the hardware clock minus the time of the master, os is CLOCK_REALTIME
	// minus the hardware clock, both in nanoseconds; each gains so much a second.
	hc, os, hcGains, osGains         float64
	master, cable                    bool
	ptp4l, ptp4lThere                bool // runs; exists
	phc2sys                          bool
	readable                         bool // the hardware clock
	kernel                           kernelWitness
	antenna, gpsd, gpsdThere         bool
	receiver, driver                 bool // the receiver speaks; the kernel tells of the DPLL
	dpll                             DPLLLock
	class                            Class
	referenceLost                    Instant // while the antenna is gone
	referenceBack                    Instant
	port                             PortState
	portSince                        Instant // of the condition that changes it
	nextSync, nextAdjust, nextReport Instant
	classDue                         Instant
	wordedClass                      Class
	// What watchers know.
	up              bool
	told            PortState
	heard, reported Instant
	silent          bool
	downAt          Instant // when a ptp4l that does not answer is noticed; 0 for never
	upAt            Instant
	unseen          bool    // it was set while it could not be read
	stepped         float64 // what the hardware clock was set since it was read
	nextRead        Instant
	nextAsk         Instant
	nextLook        Instant // at DPLLs
	nextSlow        Instant
	deaf            bool // it was said that the hardware clock cannot be read
	receiverSilent  bool
	unheard         time.Duration // that the receiver was not heard since it has lost its fix
	gpsdDown        bool
	toldDPLL        DPLLLock
	toldDriver      bool
}

func newPlant(seed uint64, emit func(string, Fact)) *plant {
	r := rand.New(rand.NewPCG(seed, 1))
	p := &plant{
		r: r, emit: emit, hardwarePoll: []time.Duration{100 * time.Millisecond, time.Second}[r.IntN(2)],
		phc2sysInterval: []time.Duration{60 * time.Millisecond, 250 * time.Millisecond, time.Second, 2 * time.Second}[r.IntN(4)],
		roleGM:          r.IntN(3) == 0, master: true, cable: true, ptp4l: true, ptp4lThere: true, phc2sys: true, readable: true,
		antenna: true, gpsd: true, gpsdThere: true, receiver: true, driver: true, dpll: DPLLLockedHoldover, class: 6, wordedClass: 6,
		port: Slave, told: Slave, up: true, toldDriver: true,
	}
	if p.roleGM {
		p.port, p.told = Master, Master
	}
	p.kernel.alive = true
	if r.IntN(3) == 0 { // ptp4l is heard later than the clocks are read
		p.up, p.upAt = false, Instant(r.Int64N(int64(3*time.Second)))
	}
	if r.IntN(4) == 0 { // nobody lets the OS clock follow, and it is far away
		p.phc2sys, p.os = false, 5000
	}
	return p
}

func (p *plant) say(instance string, f Fact) {
	if p.mute == nil || !p.mute(f) {
		p.emit(instance, f)
	}
}

// begin says what watchers find at first.
func (p *plant) begin() {
	p.say("", one)
	p.say("", HardwareClocks{Devices: []HardwareClockDevice{{Name: "ptp0", Interfaces: []string{"eth0"}}}})
	if p.up {
		p.reading()
	}
	p.kernel.adjusted = []Instant{0}
	if p.roleGM {
		p.say("", GNSSReceivers{Open: []string{"gnss0"}})
		p.lookAtDPLLs()
	}
}

func (p *plant) reading() {
	parent, own := parentOK, Class(255)
	if p.roleGM {
		parent, own = Parent{Grandmaster: ownIdentity, Class: p.class}, p.class
	}
	p.say("a", inTAI)
	p.say("a", Reading{Local: Local{Identity: ownIdentity, Class: own}, Parent: parent, Ports: []Port{{Number: 1, State: p.port, Interface: "eth0", HardwareClock: "ptp0"}}})
	p.up, p.told, p.heard, p.silent, p.downAt = true, p.port, p.now, false, 0
}

var ownIdentity = own

func (p *plant) lookAtDPLLs() {
	p.toldDPLL, p.toldDriver = p.dpll, p.driver
	if !p.driver {
		p.say("", DPLLUnreadable{})
		return
	}
	p.say("", DPLLs{Devices: []DPLL{{Name: "ice.1", Type: DPLLPPS, Lock: p.dpll}}})
}

// happen lets a fault happen.
func (p *plant) happen(f fault) {
	switch f.what {
	case "master stops":
		p.master, p.portSince = false, p.now
	case "master is back":
		p.master, p.portSince = true, p.now
	case "cable pulled":
		p.cable, p.portSince = false, p.now
	case "cable plugged":
		p.cable, p.portSince = true, p.now
	case "ptp4l stopped":
		p.ptp4l = false
	case "ptp4l killed":
		p.ptp4l, p.ptp4lThere = false, false
		if p.up {
			p.downAt = p.now.Add(tick)
		}
	case "ptp4l is back":
		if !p.ptp4lThere && !p.roleGM {
			p.port = Listening
		}
		p.ptp4l, p.ptp4lThere, p.portSince = true, true, p.now
	case "phc2sys stopped":
		p.phc2sys = false
	case "phc2sys is back":
		p.phc2sys = true
	case "hardware clock stepped":
		p.hc += float64(f.size)
		p.os -= float64(f.size)
		p.stepped += float64(f.size)
		p.unseen = !p.readable || p.deaf
	case "hardware clock drifts":
		p.hcGains += float64(f.size)
		p.osGains -= float64(f.size)
	case "OS clock stepped":
		p.stepOS(float64(f.size))
	case "hardware clock unreadable":
		p.readable = false
	case "hardware clock readable":
		p.readable = true
	case "antenna cut":
		if p.antenna {
			p.antenna, p.referenceLost = false, p.now
		}
	case "antenna is back":
		if !p.antenna {
			p.antenna, p.referenceBack = true, p.now
		}
	case "receiver hangs":
		p.receiver = false
	case "receiver is back":
		p.receiver = true
	case "gpsd hangs":
		p.gpsd = false
	case "gpsd killed":
		p.gpsd, p.gpsdThere = false, false
	case "gpsd is back":
		p.gpsd, p.gpsdThere = true, true
	case "DPLL driver gone":
		p.driver = false
	case "DPLL driver is back":
		p.driver = true
	default:
		panic(f.what)
	}
}

// stepOS sets CLOCK_REALTIME, of which the kernel tells at once.
func (p *plant) stepOS(by float64) {
	p.os += by
	p.kernel.adjusted, p.kernel.set = nil, true
	p.say("", OSClockStep{By: time.Duration(by)})
	p.say("", OSClock{MaxError: p.kernel.maxError(p.now)})
}

// pass lets a tick pass: for the clocks, the daemons, and the watchers.
func (p *plant) pass() {
	p.now = p.now.Add(tick)
	p.hc += p.hcGains * tick.Seconds()
	p.os += p.osGains * tick.Seconds()
	noise := func(size float64) float64 { return (2*p.r.Float64() - 1) * size }

	if p.roleGM {
		p.passReference()
	} else {
		p.passPort()
	}
	if p.port == Slave && p.ptp4l && p.master && p.cable && p.now >= p.nextSync {
		p.nextSync = p.now.Add(syncInterval)
		p.heard = p.now
		if p.up && p.told == Slave {
			p.silent = false
			p.say("a", Sync{Offset: time.Duration(p.hc + noise(10))})
		}
		// The servo takes back half of it until the next one, and of the frequency.
		p.hc, p.os = p.hc/2, p.os+p.hc/2
		p.hcGains, p.osGains = p.hcGains/2, p.osGains+p.hcGains/2
	}
	if p.roleGM { // ts2phc keeps it where the DPLL is
		p.os += p.hc
		p.osGains += p.hcGains
		p.hc, p.hcGains = 0, 0
	}
	if p.phc2sys && p.now >= p.nextAdjust {
		p.nextAdjust = p.now.Add(p.phc2sysInterval)
		if math.Abs(p.os) > 1e7 {
			p.stepOS(-p.os)
		} else {
			p.os, p.osGains = p.os/10+noise(20), p.osGains/10
		}
		p.kernel.adjusted, p.kernel.set = append(p.kernel.adjusted, p.now), false
	}
	p.watchPTP4L()
	p.watchHardware(noise(50))
	if p.now >= p.nextAsk {
		p.nextAsk = p.now.Add(osPoll)
		p.say("", OSClock{MaxError: p.kernel.maxError(p.now), TAI: 37 * time.Second})
	}
	if p.roleGM {
		p.watchGNSS()
		if changed := p.toldDPLL != p.dpll || p.toldDriver != p.driver; changed || p.now >= p.nextLook {
			p.nextLook = p.now.Add(slowPoll)
			p.lookAtDPLLs()
		}
	}
}

// passPort is what ptp4l makes of its port.
func (p *plant) passPort() {
	since := p.now.Sub(p.portSince)
	switch {
	case !p.ptp4l:
	case !p.cable:
		p.port = Faulty
	case !p.master && p.port != Listening && since > announceTimeout, p.port == Faulty:
		p.port, p.portSince = Listening, p.now
	case p.master && p.port == Listening && since > 2*time.Second:
		p.port, p.portSince = Uncalibrated, p.now
	case p.port == Uncalibrated && since > 300*time.Millisecond:
		p.port = Slave
	}
}

// passReference is what a DPLL makes of an antenna, and a grandmaster of the DPLL.
func (p *plant) passReference() {
	without, with := p.now.Sub(p.referenceLost), p.now.Sub(p.referenceBack)
	switch {
	case !p.antenna && without > 20*time.Second:
		p.dpll = DPLLUnlocked
	case !p.antenna && without > 500*time.Millisecond:
		p.dpll = DPLLHoldover
	case p.antenna && with > 3*time.Second:
		p.dpll = DPLLLockedHoldover
	}
	class := map[DPLLLock]Class{DPLLLockedHoldover: 6, DPLLHoldover: 7, DPLLUnlocked: 248}[p.dpll]
	if class != p.wordedClass {
		p.wordedClass, p.classDue = class, p.now.Add(classDelay)
	}
	if p.ptp4l && p.now >= p.classDue && p.class != p.wordedClass {
		p.class = p.wordedClass
		if p.up { // it is pushed
			p.say("a", Parent{Grandmaster: ownIdentity, Class: p.class})
		}
	}
}

// watchPTP4L is package linuxptp.
func (p *plant) watchPTP4L() {
	if !p.up {
		if p.ptp4l && p.upAt == 0 {
			p.upAt = p.now.Add(time.Duration(p.r.IntN(500)) * time.Millisecond)
		}
		if p.ptp4l && p.now >= p.upAt {
			p.upAt = 0
			p.reading()
		}
		return
	}
	if p.ptp4l && p.told != p.port {
		p.told = p.port
		p.heard, p.silent = p.now, false
		p.say("a", Port{Number: 1, State: p.port, Interface: "eth0", HardwareClock: "ptp0"})
		p.say("a", parentOK) // also where it is that of before
	}
	switch {
	case p.downAt != 0 && p.now >= p.downAt:
		p.up, p.upAt, p.downAt = false, 0, 0
		p.say("a", Down{})
	case p.told == Slave && !p.silent && p.downAt == 0 && p.now.Sub(p.heard) >= silenceAfter:
		if !p.ptp4l {
			p.downAt = p.now.Add(confirmed)
			break
		}
		p.silent = true
		p.say("a", Silence{For: p.now.Sub(p.heard)})
	case p.now >= p.nextSlow:
		p.nextSlow = p.now.Add(slowPoll)
		if !p.ptp4l {
			p.downAt = p.now.Add(silenceAfter) // it does not answer in time
			if p.told == Slave && !p.silent {
				p.downAt = min(p.downAt, p.heard.Add(silenceAfter+confirmed))
			}
		} else if p.roleGM {
			p.say("a", Local{Identity: ownIdentity, Class: p.class})
		}
	}
}

// watchHardware is package phc.
func (p *plant) watchHardware(noise float64) {
	if p.now < p.nextRead {
		return
	}
	p.nextRead = p.now.Add(p.hardwarePoll)
	if !p.readable {
		if !p.deaf {
			p.deaf = true
			p.say("", HardwareClockUnreadable{Device: "ptp0"})
		}
		return
	}
	// Oscillators may differ by 200 ppm, so that less cannot be told from that.
	if math.Abs(p.stepped) > 200e-6*float64(p.hardwarePoll) && !p.deaf {
		p.say("", HardwareClockStep{Device: "ptp0", By: time.Duration(p.stepped), Within: p.hardwarePoll})
	}
	p.stepped, p.deaf = 0, false
	p.say("", HardwareClock{Device: "ptp0", Offset: 37*time.Second - time.Duration(p.os+noise), Within: 100})
}

// watchGNSS is package gnss, and gpsd.
func (p *plant) watchGNSS() {
	speaks := p.gpsd && p.receiver
	switch {
	case p.antenna:
		p.unheard = 0
	case !speaks:
		p.unheard += tick
	}
	switch {
	case !p.gpsd && !p.gpsdDown && (!p.gpsdThere || p.now.Sub(p.reported) >= gnssSilence):
		p.gpsdDown = true
		p.say("", GNSSDown{})
	case p.gpsd && p.gpsdDown:
		p.gpsdDown, p.receiverSilent, p.reported = false, false, p.now
		p.say("", GNSSReceivers{Open: []string{"gnss0"}})
	case speaks && p.now >= p.nextReport:
		p.nextReport, p.reported, p.receiverSilent = p.now.Add(time.Second), p.now, false
		report := GNSSReport{Fix: FixNone, Satellites: 0}
		if p.antenna && p.now.Sub(p.referenceBack) > time.Second || p.referenceBack == 0 && p.antenna {
			report = GNSSReport{Fix: Fix3D, Satellites: 9}
		}
		p.say("gnss0", report)
	case p.gpsd && !p.receiver && !p.receiverSilent && p.now.Sub(p.reported) >= gnssSilence:
		p.receiverSilent = true
		p.say("gnss0", GNSSSilence{For: gnssSilence})
	}
}

// judge knows for how long each link of the chain has been broken, by what is true of the plant
// alone, and how long that may go unnoticed: the bars that docs/states.md promises.
type judge struct{ since map[string]Instant }

// link is a link of a chain that is broken, and for how long that may go unnoticed.
type link struct {
	name   string
	broken bool
	bar    time.Duration
}

func (p *plant) feeds() []link {
	const stopped = 3*syncInterval + 500*time.Millisecond
	if p.roleGM {
		reference := 100 * time.Millisecond // the kernel says so at once
		if !p.driver {
			reference = classDelay + slowPoll // and without it, who minds the class
		}
		return []link{
			// A grandmaster sends nothing that could be missed: it is asked every so often.
			{"ptp4l", !p.ptp4l, slowPoll + silenceAfter + tick},
			{"the DPLL", p.dpll != DPLLLockedHoldover, reference},
		}
	}
	return []link{
		{"the source", !p.master || !p.cable, stopped},
		{"ptp4l", !p.ptp4l, stopped},
		{"the hardware clock's offset", math.Abs(p.hc) > float64(limits.UnlockOffset)+10, stopped},
		{"the hardware clock's step", math.Abs(p.hc) > 200e-6*float64(p.hardwarePoll)+float64(limits.UnlockOffset) && p.readable && !p.unseen, p.hardwarePoll + 2*tick},
	}
}

func (p *plant) disciplines() []link {
	samples := time.Duration(limits.UnlockSamples) * p.hardwarePoll
	stopped := 3*time.Second + osPoll + 2*tick // the kernel's seconds, and until it is asked
	if p.phc2sysInterval > time.Second {
		stopped = 3*p.phc2sysInterval + time.Second + osPoll + 2*tick
	}
	if !p.readable || p.deaf { // then there is no reason to hurry: it may be NTP
		stopped = limits.OSClockTimeout + time.Second + osPoll
	}
	return []link{
		{"phc2sys", !p.phc2sys, stopped},
		{"the OS clock's offset", math.Abs(p.os) > float64(2*limits.OSClockOffset)+50 && p.readable, samples + 2*tick},
		{"the OS clock's step", math.Abs(p.os) > 1e9, tick},
	}
}

func (p *plant) receives() []link {
	return []link{
		{"the fix", !p.antenna, fixReports*time.Second + 100*time.Millisecond + min(p.unheard, gnssSilence+2*tick)},
		{"the receiver", !p.receiver, gnssSilence + 2*tick},
		{"gpsd", !p.gpsd, gnssSilence + 2*tick},
	}
}

// broken returns the first of these links that has been broken for longer than its bar.
func (j *judge) broken(now Instant, links []link) string {
	found := ""
	for _, l := range links {
		since, was := j.since[l.name]
		switch {
		case !l.broken:
			delete(j.since, l.name)
			continue
		case !was:
			j.since[l.name], since = now, now
		}
		if found == "" && now.Sub(since) > l.bar {
			found = fmt.Sprintf("%s has been broken for %v, which may last %v", l.name, now.Sub(since), l.bar)
		}
	}
	return found
}

// perform plays a script, and returns what is wrong with what was said. Each script has an
// end by which all is well for long enough.
func perform(seed uint64, script []fault, mute func(Fact) bool) (wrong string) {
	const last, calm = 60 * time.Second, 45 * time.Second
	n := NewNode(limits)
	n.WatchOSClock(true)
	n.WatchHardwareClocks()
	said := map[Kind]Value{}
	take := func(changes []Transition) {
		for _, c := range changes {
			said[c.Kind] = c.To
		}
	}
	var p *plant
	p = newPlant(seed, func(instance string, f Fact) { take(n.Observe(Observation{At: p.now, Instance: instance, Fact: f})) })
	p.mute = mute
	if p.roleGM {
		n.WatchGNSS()
		n.WatchDPLLs()
	}
	p.begin()
	j := judge{map[string]Instant{}}
	mend := []string{"master is back", "cable plugged", "ptp4l is back", "phc2sys is back", "hardware clock readable", "antenna is back", "receiver is back", "gpsd is back", "DPLL driver is back"}
	for p.now < Instant(last+calm) {
		for len(script) > 0 && script[0].at <= p.now {
			p.happen(script[0])
			script = script[1:]
		}
		if p.now == Instant(last) {
			for _, what := range mend {
				p.happen(fault{what: what})
			}
		}
		p.pass()
		for at, ok := n.Deadline(); ok && at <= p.now; at, ok = n.Deadline() {
			take(n.Advance(p.now))
		}
		feeds, disciplines, receives := j.broken(p.now, p.feeds()), j.broken(p.now, p.disciplines()), j.broken(p.now, p.receives())
		for _, c := range []struct {
			kind   Kind
			is     Value
			broken []string
		}{
			{LockState, Locked, []string{feeds}},
			{OSClockState, Locked, []string{feeds, disciplines}},
			{SyncState, Locked, []string{feeds, disciplines}},
			{GNSSSyncStatus, GNSSSynchronized, []string{receives}},
		} {
			if i := slices.IndexFunc(c.broken, func(s string) bool { return s != "" }); i >= 0 && said[c.kind] == c.is {
				return fmt.Sprintf("at %v %v is %v, and %s", time.Duration(p.now), c.kind, c.is, c.broken[i])
			}
		}
	}
	for _, kind := range []Kind{LockState, OSClockState, SyncState, GNSSSyncStatus} {
		if is := said[kind]; is != Locked && is != GNSSSynchronized && (kind != GNSSSyncStatus || p.roleGM) {
			return fmt.Sprintf("%v is %v, and all has been well for %v", kind, is, calm)
		}
	}
	return ""
}

// scripted returns the faults of a script: several parts of a node break and come back, each
// when it likes.
func scripted(seed uint64) []fault {
	r := rand.New(rand.NewPCG(seed, 2))
	pairs := [][2]string{
		{"master stops", "master is back"},
		{"cable pulled", "cable plugged"},
		{"ptp4l stopped", "ptp4l is back"},
		{"ptp4l killed", "ptp4l is back"},
		{"phc2sys stopped", "phc2sys is back"},
		{"hardware clock unreadable", "hardware clock readable"},
		{"antenna cut", "antenna is back"},
		{"receiver hangs", "receiver is back"},
		{"gpsd hangs", "gpsd is back"},
		{"gpsd killed", "gpsd is back"},
		{"DPLL driver gone", "DPLL driver is back"},
	}
	var script []fault
	for range 3 + r.IntN(10) {
		at := Instant(5*time.Second + time.Duration(r.Int64N(int64(50*time.Second))))
		sign := time.Duration(1 - 2*r.IntN(2))
		switch k := r.IntN(10); {
		case k < 7:
			pair := pairs[r.IntN(len(pairs))]
			lasts := time.Duration(math.Exp(r.Float64()*6) * float64(100*time.Millisecond)) // 0.1 to 40 s
			script = append(script, fault{at, pair[0], 0}, fault{at.Add(lasts), pair[1], 0})
		case k == 7:
			script = append(script, fault{at, "hardware clock stepped", sign * time.Duration(math.Exp(r.Float64()*14)*100)}) // 100 ns to 0.1 s
		case k == 8:
			script = append(script, fault{at, "hardware clock drifts", sign * time.Duration(math.Exp(r.Float64()*7)*100)}) // 0.1 to 100 ppm
		default:
			script = append(script, fault{at, "OS clock stepped", sign * time.Duration(math.Exp(r.Float64()*10)*1e5)}) // 0.1 ms to 2 s
		}
	}
	slices.SortStableFunc(script, func(a, b fault) int { return int(a.at - b.at) })
	return script
}

// shrink leaves out of a script what is not needed to go wrong.
func shrink(script []fault, wrong func([]fault) string) []fault {
	for size := len(script) / 2; size > 0; {
		shrunk := false
		for at := 0; at+size <= len(script); {
			if without := slices.Delete(slices.Clone(script), at, at+size); wrong(without) != "" {
				script, shrunk = without, true
			} else {
				at += size
			}
		}
		if !shrunk || size > len(script) {
			size /= 2
		}
	}
	return script
}

// TestFaultScripts breaks a node in random ways, and holds what is said of it against what is
// true: nothing is LOCKED while any link of its chain has been broken for longer than its bar, and
// everything is again when all is well.
func TestFaultScripts(t *testing.T) {
	// The same scripts every time, so that a failure tells of a change. Another seed is other scripts.
	const first, scripts uint64 = 20261126, 240
	roles := map[bool]int{}
	for seed := first; seed < first+scripts; seed++ {
		script := scripted(seed)
		roles[newPlant(seed, nil).roleGM]++
		if wrong := perform(seed, script, nil); wrong != "" {
			shortest := shrink(script, func(s []fault) string { return perform(seed, s, nil) })
			var lines []string
			for _, f := range shortest {
				lines = append(lines, f.String())
			}
			t.Errorf("seed %d: %s\nand with these faults alone: %s\n\t%s", seed, wrong, perform(seed, shortest, nil), strings.Join(lines, "\n\t"))
		}
	}
	if roles[false] < 140 || roles[true] < 60 {
		t.Errorf("%d followers and %d grandmasters are too few", roles[false], roles[true])
	}
}

// The scripts find out when a watcher does not say what it should.
func TestFaultScriptsBite(t *testing.T) {
	for name, mute := range map[string]func(Fact) bool{
		"silence":           func(f Fact) bool { _, is := f.(Silence); return is },
		"ptp4l is down":     func(f Fact) bool { _, is := f.(Down); return is },
		"port states":       func(f Fact) bool { _, is := f.(Port); return is },
		"hardware steps":    func(f Fact) bool { _, is := f.(HardwareClockStep); return is },
		"hardware readings": func(f Fact) bool { _, is := f.(HardwareClock); return is },
		"what the kernel says": func(f Fact) bool {
			c, is := f.(OSClock)
			return is && c.MaxError > time.Millisecond
		},
		"DPLLs":        func(f Fact) bool { d, is := f.(DPLLs); return is && d.Devices[0].Lock != DPLLLockedHoldover },
		"no fix":       func(f Fact) bool { r, is := f.(GNSSReport); return is && r.Fix == FixNone },
		"GNSS silence": func(f Fact) bool { _, is := f.(GNSSSilence); return is },
		"gpsd is down": func(f Fact) bool { _, is := f.(GNSSDown); return is },
	} {
		t.Run(name, func(t *testing.T) {
			for seed := range uint64(400) {
				if perform(seed, scripted(seed), mute) != "" {
					return
				}
			}
			t.Error("no script notices that it is not said")
		})
	}
}
