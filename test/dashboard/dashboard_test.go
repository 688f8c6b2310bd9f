//go:build browser

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

package dashboard

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/heapprofiler"
	"github.com/chromedp/cdproto/performance"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/eventing-ptp/eventing-ptp/pkg/clock"

	"github.com/eventing-ptp/eventing-ptp/test/dashboard/fleet"
)

// patience is for what takes a moment, on a machine that does other things, too.
const patience = 30 * time.Second

var program string

func TestMain(m *testing.M) {
	directory, err := os.MkdirTemp("", "dashboard")
	if err == nil {
		program, err = Build(context.Background(), root, directory)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	_ = os.RemoveAll(directory)
	os.Exit(code)
}

// room is a cluster with its page.
type room struct {
	*Session
	t     *testing.T
	fleet *fleet.Fleet
}

// open has the page show a cluster that is made before.
func open(t *testing.T, prepare func(*fleet.Fleet), args ...string) *room {
	t.Helper()
	f, err := fleet.New()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	})
	prepare(f)
	s, err := Start(context.Background(), program, t.TempDir(), f, args...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("after an interrupt: %v", err)
		}
	})
	return &room{s, t, f}
}

// wantNoErrors looks whether something has gone wrong in the page meanwhile.
func (r *room) wantNoErrors() {
	r.t.Helper()
	if wrong := r.Errors(); len(wrong) > 0 {
		r.t.Errorf("in the page: %q", wrong)
	}
}

func (r *room) must(err error) {
	r.t.Helper()
	if err != nil {
		r.t.Fatal(err)
	}
}

func (r *room) wait(expression string) {
	r.t.Helper()
	r.must(r.Wait(expression, patience))
}

func ask[T any](r *room, expression string) T {
	r.t.Helper()
	answer, err := Ask[T](r.Session, expression)
	r.must(err)
	return answer
}

// node adds a healthy node.
func node(t *testing.T, f *fleet.Fleet, name string) *fleet.Adapter {
	t.Helper()
	a, err := f.Add("edge", "fleet", name)
	if err == nil {
		err = a.Healthy(time.Now().Add(-time.Hour / 2))
	}
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// become has the clock of a node be another, now.
func become(t *testing.T, a *fleet.Adapter, state clock.State, reason clock.Reason) string {
	t.Helper()
	id, err := a.Change(time.Now(), fleet.Change{Instance: "ptp4l.0", To: state, Reason: reason})
	if err == nil {
		_, err = a.Change(time.Now(), fleet.Change{Kind: clock.SyncState, To: state, Reason: reason})
	}
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// What is seen of the page: groups with their nodes in order, and the summary.
const (
	shownNodes = `[...document.querySelectorAll(".group:not([hidden])")].map(g => g.querySelector("h2").innerText + ": " +
		[...g.querySelectorAll("li:not([hidden]) .name")].map(n => n.innerText).join(" ")).join("; ")`
	shownSummary = `[...document.querySelectorAll(".chip:not([hidden])")].map(c => c.querySelector("b").innerText + c.lastChild.data).join(", ")`
	shownRows    = `[...document.querySelectorAll(".row:not([hidden])")].sort((a, b) => a.getAttribute("aria-posinset") - b.getAttribute("aria-posinset"))
		.map(r => [r.querySelector(".node").checkVisibility() ? r.querySelector(".node").innerText : "", r.querySelector(".kind").innerText, r.querySelector(".change").innerText].filter(Boolean).join(" ")).join("\n")`
	focused = `document.activeElement.querySelector?.(".name")?.innerText ?? document.activeElement.id ?? ""`
)

func is(expression, want string) string { return expression + " === " + strconv.Quote(want) }

func TestOverview(t *testing.T) {
	all := map[string]*fleet.Adapter{}
	r := open(t, func(f *fleet.Fleet) {
		for n := range 12 {
			name := fmt.Sprintf("n%d", n+1)
			all[name] = node(t, f, name)
		}
		become(t, all["n3"], clock.Holdover, clock.SyncSilent)
		become(t, all["n11"], clock.Freerun, clock.HoldoverExpired)
		become(t, all["n2"], clock.Freerun, clock.OffsetOutOfRange)
	})
	// The worst first, and n2 before n11.
	r.wait(is(shownNodes, "Freerun 2: n2 n11; Holdover 1: n3; Locked 9: n1 n4 n5 n6 n7 n8 n9 n10 n12"))
	r.wait(is(shownSummary, "2 freerun, 0 unknown, 1 holdover, 9 locked"))
	r.wait(`document.title === "⚠ 3 of 12 not locked – PTP clocks"`)
	r.wait(`document.querySelector("#scope").innerText === "all namespaces"`)
	r.wait(`document.querySelector("#link").innerText === "live"`)
	if tile := ask[string](r, `document.querySelector(".tile").innerText.replace(/\s+/g, " ")`); !strings.HasPrefix(tile, "F n2 ") || !strings.Contains(tile, "OffsetOutOfRange") {
		t.Errorf("the first tile shows %q", tile)
	}
	if since := ask[string](r, `document.querySelector(".tile time").title`); !strings.HasPrefix(since, "since 20") || !strings.HasSuffix(since, "Z") {
		t.Errorf("its title is %q", since)
	}

	// What happens is seen at once, and said to those who cannot see it.
	began := time.Now()
	become(t, all["n7"], clock.Freerun, clock.PortNotSlave)
	r.wait(is(shownNodes, "Freerun 3: n2 n7 n11; Holdover 1: n3; Locked 8: n1 n4 n5 n6 n8 n9 n10 n12"))
	t.Logf("a change was seen after %v", time.Since(began).Round(time.Millisecond))
	r.wait(is(shownRows+`.split("\n")[0]`, "n7 sync-state LOCKED → FREERUN"))
	r.wait(is(shownSummary, "3 freerun, 0 unknown, 1 holdover, 8 locked"))
	r.wait(`document.querySelector("#said").innerText.includes("n7 is freerun")`)
	become(t, all["n2"], clock.Locked, clock.OffsetInRange)
	r.wait(is(shownNodes, "Freerun 2: n7 n11; Holdover 1: n3; Locked 9: n1 n2 n4 n5 n6 n8 n9 n10 n12"))

	// Nodes come and go.
	node(t, r.fleet, "n13")
	r.fleet.Remove(all["n11"])
	r.wait(is(shownNodes, "Freerun 1: n7; Holdover 1: n3; Locked 10: n1 n2 n4 n5 n6 n8 n9 n10 n12 n13"))
	r.wantNoErrors()
}

func TestFilter(t *testing.T) {
	r := open(t, func(f *fleet.Fleet) {
		for _, name := range []string{"ams-1", "ams-2", "bru-1"} {
			node(t, f, name)
		}
		become(t, node(t, f, "bru-2"), clock.Freerun, clock.PortNotSlave)
	})
	r.wait(is(shownSummary, "1 freerun, 0 unknown, 0 holdover, 3 locked"))
	r.must(r.Press("/"))
	r.wait(is(focused, "find"))
	r.must(r.Press("b", "r", "u"))
	r.wait(is(shownNodes, "Freerun 1: bru-2; Locked 1: bru-1"))
	r.wait(is(shownSummary, "1 freerun, 0 unknown, 0 holdover, 1 locked"))
	r.wait(shownRows + `.split("\n").every(row => row.startsWith("bru-"))`)
	r.must(r.Press(" ", "n", "o", "t", "s", "l", "a", "v", "e"))
	r.wait(is(shownNodes, "Freerun 1: bru-2"))
	r.must(r.Press("x"))
	r.wait(`document.querySelector(".nodes .empty").innerText.includes("No node matches")`)
	r.must(r.Press(kb.Escape))
	r.wait(is(shownNodes, "Freerun 1: bru-2; Locked 3: ams-1 ams-2 bru-1"))

	// A state, by a press on its part of the summary.
	r.must(chromedp.Do(r.Tab, chromedp.Click(chromedp.CSS(".chip.locked"))))
	r.wait(is(shownNodes, "Locked 3: ams-1 ams-2 bru-1"))
	r.wait(`document.querySelector(".chip.locked").getAttribute("aria-pressed") === "true"`)
	r.must(r.Press(kb.Escape))
	r.wait(is(shownNodes, "Freerun 1: bru-2; Locked 3: ams-1 ams-2 bru-1"))

	// The filters of events.
	choose := func(label, value string) {
		t.Helper()
		r.wait(fmt.Sprintf(`[...document.querySelector("select[aria-label='%s']").options].some(o => o.value === %q)`, label, value))
		ask[bool](r, fmt.Sprintf(`(() => { const s = document.querySelector("select[aria-label='%s']"); s.value = %q; return s.dispatchEvent(new Event("change")) })()`, label, value))
	}
	choose("Type of event", "clock-class")
	r.wait(shownRows + `.split("\n").length === 4 && ` + shownRows + `.split("\n").every(row => row.includes("clock-class ptp4l.0 6"))`)
	choose("Type of event", "")
	choose("State", "FREERUN")
	r.wait(is(shownRows, "bru-2 sync-state LOCKED → FREERUN\nbru-2 lock-state ptp4l.0 LOCKED → FREERUN"))
	r.wait(`document.querySelector(".log-head .count").innerText === "2 of 14"`)
	choose("Type of event", "lock-state")
	r.wait(is(shownRows, "bru-2 lock-state ptp4l.0 LOCKED → FREERUN"))
	r.wantNoErrors()
}

func TestKeys(t *testing.T) {
	r := open(t, func(f *fleet.Fleet) {
		for n := range 20 {
			node(t, f, fmt.Sprintf("n%d", n+1))
		}
		become(t, node(t, f, "bad"), clock.Freerun, clock.PortNotSlave)
	})
	r.wait(is(shownSummary, "1 freerun, 0 unknown, 0 holdover, 20 locked"))
	// Tab leads through the parts: brand, chips, filter, help, nodes, events.
	var stops []string
	for range 20 {
		r.must(r.Press(kb.Tab))
		stop := ask[string](r, `(e => e.id || e.querySelector(".name")?.innerText || e.getAttribute("aria-label") || e.className || e.tagName)(document.activeElement)`)
		if len(stops) > 0 && stop == stops[0] {
			break
		}
		stops = append(stops, stop)
	}
	if want := "brand|chip freerun|chip unknown zero|chip holdover zero|chip locked|find|help-open|bad|Type of event|State|Text in events|log1"; !strings.HasPrefix(strings.Join(stops, "|"), want) {
		t.Errorf("Tab leads through %q, want %q first", strings.Join(stops, "|"), want)
	}
	if ring := ask[string](r, `document.querySelector(".tile").focus(), getComputedStyle(document.activeElement).outlineStyle + getComputedStyle(document.activeElement).outlineWidth`); ring != "solid2px" {
		t.Errorf("the focus is seen as %q", ring)
	}
	columns := ask[int](r, `new Set([...document.querySelectorAll(".group:last-child li")].map(l => l.getBoundingClientRect().left)).size`)
	walk := func(key, want string) {
		t.Helper()
		r.must(r.Press(key))
		if got := ask[string](r, focused); got != want {
			t.Errorf("%q leads to %q, want %q", key, got, want)
		}
	}
	walk(kb.ArrowDown, "n1")
	walk(kb.ArrowRight, "n2")
	walk(kb.ArrowDown, fmt.Sprintf("n%d", 2+columns))
	walk(kb.ArrowLeft, fmt.Sprintf("n%d", 1+columns))
	walk(kb.ArrowUp, "n1")
	walk(kb.ArrowUp, "bad")
	walk(kb.ArrowUp, "bad")
	walk(kb.End, "n20")
	walk(kb.Home, "bad")

	// Enter opens, Escape goes back to where one was.
	r.must(r.Press(kb.Enter))
	r.wait(`document.querySelector(".node-head h2")?.innerText === "bad"`)
	r.wait(`document.querySelector(".one-node .count").innerText === "5"`)
	r.must(r.Press(kb.Escape))
	r.wait(is(focused, "bad"))

	// Events are walked through, too, and lead to their nodes.
	r.must(chromedp.Do(r.Tab, chromedp.Focus(chromedp.CSS(".scroller"))))
	r.must(r.Press(kb.ArrowDown, kb.ArrowDown, kb.ArrowDown))
	r.wait(`document.querySelector(".row[aria-selected=true]")?.id === document.querySelector(".scroller").getAttribute("aria-activedescendant")`)
	want := ask[string](r, `document.querySelector(".row[aria-selected=true] .node").innerText`)
	if place := ask[string](r, `document.querySelector(".row[aria-selected=true]").getAttribute("aria-posinset")`); place != "3" {
		t.Errorf("three times down is event %s", place)
	}
	r.must(r.Press(kb.Enter))
	r.wait(is(`document.querySelector(".node-head h2")?.innerText`, want))

	// Help, which Escape ends before anything else.
	r.must(r.Press("?"))
	r.wait(`document.querySelector("#help").open`)
	r.must(r.Press(kb.Escape))
	r.wait(`!document.querySelector("#help").open && location.hash !== "#"`)
	r.wantNoErrors()
}

// The focus stays with a node, wherever it moves.
func TestFocusStaysWithItsNode(t *testing.T) {
	var n2 *fleet.Adapter
	r := open(t, func(f *fleet.Fleet) {
		node(t, f, "n1")
		n2 = node(t, f, "n2")
		node(t, f, "n3")
	})
	r.wait(is(shownNodes, "Locked 3: n1 n2 n3"))
	ask[bool](r, `document.querySelectorAll(".tile")[1].focus(), true`)
	for _, state := range []clock.State{clock.Holdover, clock.Freerun, clock.Locked} {
		become(t, n2, state, clock.SyncSilent)
		r.wait(fmt.Sprintf(`document.querySelector(".tile:focus")?.className === "tile %s"`, strings.ToLower(state.String())))
		if got := ask[string](r, focused); got != "n2" {
			t.Errorf("the focus is at %q", got)
		}
	}
	r.wantNoErrors()
}

func TestNode(t *testing.T) {
	var one *fleet.Adapter
	r := open(t, func(f *fleet.Fleet) {
		all, err := f.Populate(1, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		one = all[0]
	})
	r.wait(is(shownNodes, "Locked 1: du-ams-01"))
	ask[bool](r, `document.querySelector(".tile").click(), true`)
	r.wait(`document.querySelector(".node-head").innerText.replace(/\s+/g, " ").includes("du-ams-01 locked edge/fleet · ptpsource-fleet-")`)
	const table = `[...document.querySelectorAll(".clocks tbody tr")].map(tr => [...tr.cells].filter(c => c.innerText !== "–").map(c => c.innerText.replace(/\s+/g, " ")).join(" | ")).join("\n")`
	r.wait(`/^ptp4l\.0 \| L ?locked \| 10m \| OffsetInRange \| [−+]?\d+ ns \| 1\.\d\d µs \| 42160d\.fffe\.627ae7 \| 6 \| ens1f0 \| 1 SLAVE ens1f0\nOS clock \| L ?locked \| \d+m?\d*s? \| Disciplined\nNode \| L ?locked \| 10m \| OffsetInRange$/.test(` + table + `)`)
	// A lane for each resource, one for the offset; what happened is there.
	const lanes = `[...document.querySelectorAll(".lane-title")].map(l => l.innerText).filter(Boolean).join(", ")`
	r.wait(is(lanes, "sync-state, os-clock-sync-state, lock-state ptp4l.0, clock-class ptp4l.0, offset ptp4l.0"))
	const segments = `[...document.querySelectorAll(".lane")].map(l => [...l.querySelectorAll(".segment")].map(s => s.classList[1][0]).join("")).join(" ")`
	if got := ask[string](r, segments); !strings.HasPrefix(got, "l") || !strings.Contains(got, "hfl lhfl ") {
		t.Errorf("segments %q", got)
	}
	r.wait(`document.querySelectorAll(".curve")[0].getAttribute("d").split("L").length > 3`)
	if n := ask[int](r, `document.querySelectorAll(".told").length`); n != 3 {
		t.Errorf("%d offsets of events are marked, want 3", n)
	}

	// The cursor goes from change to change, and shows what was.
	r.must(chromedp.Do(r.Tab, chromedp.Focus(chromedp.CSS(".lanes"))))
	const values = `[...document.querySelectorAll(".lane.states .lane-name > .value")].map(v => v.innerText.replace(/\s+/g, "").replace(/^[LHF]/, "")).join(" ")`
	r.wait(is(values, "locked locked locked 6"))
	r.must(r.Press(kb.ArrowLeft, kb.ArrowLeft, kb.ArrowLeft))
	r.wait(is(values, "freerun freerun freerun 248"))
	r.wait(`/^\d\d:\d\d:\d\d\.\d{3}, \d+m\d* ?s? ?ago$|^.+, 1[0-9]m ago$/.test(document.querySelector(".readout").innerText)`)
	r.must(r.Press(kb.Escape))
	r.wait(is(values, "locked locked locked 6"))

	// What happens is there at once, in all parts.
	become(t, one, clock.Freerun, clock.OffsetOutOfRange)
	r.wait(is(values, "freerun locked freerun 6"))
	r.wait(is(shownRows+`.split("\n")[0]`, "sync-state LOCKED → FREERUN"))
	r.wait(`document.querySelector(".node-head .state").innerText === "freerun"`)

	// So is a receiver that nobody knew of.
	if _, err := one.Change(time.Now(), fleet.Change{Kind: clock.GNSSSyncStatus, Instance: "ttyS0", To: clock.GNSSAntennaOpen, Reason: clock.AntennaFault}); err != nil {
		t.Fatal(err)
	}
	r.wait(is(lanes, "sync-state, os-clock-sync-state, lock-state ptp4l.0, clock-class ptp4l.0, gnss-sync-status ttyS0, offset ptp4l.0"))
	r.wait(is(values, "freerun locked freerun 6 !antenna-disconnected"))
	r.wait(`/\ngnss-sync-status ttyS0 \| ! ?antenna-disconnected \| /.test(` + table + `)`)

	// What an operator has asked for besides has lanes, too, and steps are moments.
	for _, c := range []fleet.Change{
		{Kind: clock.PTPPortState, Instance: "ptp4l.0-1", To: clock.Slave, Reason: clock.Reported},
		{Kind: clock.DaemonState, Instance: "ptp4l.0", To: clock.Daemon(false), Reason: clock.Reported},
		{Kind: clock.OSClockSet, To: clock.Shift(-1500 * time.Nanosecond), Reason: clock.ClockStepped},
	} {
		if _, err := one.Change(time.Now(), c); err != nil {
			t.Fatal(err)
		}
	}
	r.wait(is(lanes, "sync-state, os-clock-sync-state, lock-state ptp4l.0, clock-class ptp4l.0, daemon-state ptp4l.0, port-state ptp4l.0-1, "+
		"gnss-sync-status ttyS0, os-clock-set, offset ptp4l.0"))
	r.wait(is(values, "freerun locked freerun 6 !down Sslave !antenna-disconnected -1500"))
	r.wait(`document.querySelectorAll(".moment").length === 1`)

	// A test event is no state of what it is about.
	if err := one.Test(time.Now(), "ptp4l.0"); err != nil {
		t.Fatal(err)
	}
	r.wait(is(shownRows+`.split("\n")[0]`, "test TEST"))
	r.wait(is(values, "freerun locked freerun 6 !down Sslave !antenna-disconnected -1500 TEST"))

	// A range is chosen.
	ask[bool](r, `[...document.querySelectorAll(".ranges button")].find(b => b.innerText === "all").click(), true`)
	r.wait(`document.querySelector(".ranges [aria-pressed=true]").innerText === "all"`)

	// The node's clock is another.
	one.SetAhead(time.Hour)
	r.wait(`document.querySelector(".notes").innerText.includes("Its clock is 60m ahead of the clock of this machine")`)
	r.wantNoErrors()
}

func TestColours(t *testing.T) {
	r := open(t, func(f *fleet.Fleet) {
		for _, state := range []clock.State{clock.Locked, clock.Holdover, clock.Freerun} {
			become(t, node(t, f, strings.ToLower(state.String())), state, clock.SyncSilent)
		}
		node(t, f, "unknown").SetDeaf(true)
	}, "--timeout", "1s")
	r.wait(`document.querySelectorAll(".group:not([hidden])").length === 4`)
	// Every text has contrast enough to be read (WCAG 2.2, 1.4.3: 4.5 to 1), in both.
	for _, scheme := range []string{"dark", "light"} {
		r.must(r.Colours(scheme))
		time.Sleep(300 * time.Millisecond) // until they have changed
		var found []struct {
			What  string
			Ratio float64
		}
		text := ask[string](r, contrasts)
		if err := json.Unmarshal([]byte(text), &found); err != nil {
			t.Fatal(err)
		}
		if len(found) < 30 {
			t.Errorf("%s: only %d texts were found", scheme, len(found))
		}
		for _, f := range found {
			if f.Ratio < 4.5 {
				t.Errorf("%s: %s has a contrast of %.2f", scheme, f.What, f.Ratio)
			}
		}
		light := ask[float64](r, `Number(getComputedStyle(document.body).backgroundColor.match(/\d+/)[0])`)
		if (light > 128) != (scheme == "light") {
			t.Errorf("%s: the page is as light as %v", scheme, light)
		}
	}
	// States differ in more than their colours.
	signs := ask[string](r, `[...document.querySelectorAll(".tile .badge")].map(b => b.innerText + getComputedStyle(b, "::before").borderRadius + getComputedStyle(b, "::before").borderStyle + getComputedStyle(b, "::before").transform).join("\n")`)
	if all := strings.Split(signs, "\n"); len(slices.Compact(slices.Sorted(slices.Values(all)))) != 4 {
		t.Errorf("signs of states: %q", all)
	}
	r.wantNoErrors()
}

// contrasts finds each text with the colour behind it.
const contrasts = `(() => {
	const canvas = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
	const rgb = (...colours) => {
		canvas.clearRect(0, 0, 1, 1);
		for (const c of colours) { canvas.fillStyle = c; canvas.fillRect(0, 0, 1, 1); }
		return canvas.getImageData(0, 0, 1, 1).data;
	};
	const light = (c) => { const [r, g, b] = [...c].map(v => { v /= 255; return v <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4; }); return .2126 * r + .7152 * g + .0722 * b; };
	const all = [], walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
	while (walker.nextNode()) {
		const e = walker.currentNode.parentElement;
		if (!walker.currentNode.data.trim() || !e.checkVisibility() || e.closest("svg, dialog, .hidden, option, noscript, script") || e.closest(".chip.zero .badge")) continue;
		const behind = [];
		for (let p = e; p; p = p.parentElement) behind.unshift(getComputedStyle(p).backgroundColor);
		if (e.matches(".badge")) behind.push(getComputedStyle(e, "::before").backgroundColor);
		const back = rgb(...behind), front = rgb(...behind, getComputedStyle(e).color);
		const [a, b] = [light(back.slice(0, 3)), light(front.slice(0, 3))].sort((x, y) => y - x);
		all.push({ what: e.className + " " + JSON.stringify(walker.currentNode.data), ratio: (a + .05) / (b + .05) });
	}
	return JSON.stringify(all);
})()`

func TestReconnection(t *testing.T) {
	var n1, n2 *fleet.Adapter
	r := open(t, func(f *fleet.Fleet) {
		n1, n2 = node(t, f, "n1"), node(t, f, "n2")
	})
	way, url := newTunnel(t, r.URL)
	r.must(chromedp.Do(r.Tab, chromedp.Navigate(url)))
	r.wait(`document.querySelector(".log-head .count").innerText === "6"`)

	// Adapters break off again and again, while clocks change.
	const rounds = 40
	for n := range rounds {
		become(t, n1, []clock.State{clock.Freerun, clock.Locked}[n%2], clock.PortNotSlave)
		if n%5 == 0 {
			n1.Cut()
			n2.Cut()
		}
	}
	r.wait(fmt.Sprintf(`document.querySelector(".log-head .count").innerText === "%d"`, 6+2*rounds))

	// The page loses the command for a while, and goes on behind what it has.
	way.setBroken(true)
	r.wait(`document.querySelector("#link").innerText === "connecting"`)
	r.wait(`document.querySelector("#alarm").innerText.includes("does not answer")`)
	for n := range rounds {
		become(t, n2, []clock.State{clock.Freerun, clock.Locked}[n%2], clock.PortNotSlave)
	}
	way.setBroken(false)
	r.wait(`document.querySelector("#link").innerText === "live"`)
	r.wait(`document.querySelector("#alarm").hidden`)
	r.wait(fmt.Sprintf(`document.querySelector(".log-head .count").innerText === "%d"`, 6+4*rounds))
	if got := ask[int](r, `(() => {
		const scroller = document.querySelector(".scroller"), seen = [];
		for (let top = 0; top <= scroller.scrollHeight; top += 200) {
			scroller.scrollTop = top;
			scroller.dispatchEvent(new Event("scroll"));
			for (const row of document.querySelectorAll(".row:not([hidden])")) seen.push(row.id);
		}
		return new Set(seen).size;
	})()`); got != 6+4*rounds {
		t.Errorf("%d different events are shown, want %d", got, 6+4*rounds)
	}
}

func TestAnAdapterThatDoesNotAnswer(t *testing.T) {
	var n2 *fleet.Adapter
	r := open(t, func(f *fleet.Fleet) {
		node(t, f, "n1")
		n2 = node(t, f, "n2")
		n3 := node(t, f, "n3")
		n3.SetDeaf(true)
	}, "--timeout", "2s")
	r.wait(is(shownNodes, "Unknown 1: n3; Locked 2: n1 n2"))
	r.wait(is(shownSummary, "0 freerun, 1 unknown, 0 holdover, 2 locked, 1 silent"))
	r.wait(`document.querySelector(".tile.unknown .what").innerText === "it did not answer within 2s"`)
	n2.SetDeaf(true)
	r.wait(is(shownNodes, "Unknown 2: n2 n3; Locked 1: n1"))

	// Its page says since when, and shows what was known.
	ask[bool](r, `[...document.querySelectorAll(".tile")].find(t => t.innerText.includes("n2")).click(), true`)
	r.wait(`/^Its adapter does not answer: it did not answer within 2s\. It was heard last \d+s ago: what is below was so then\./.test(document.querySelector(".notes").innerText)`)
	r.wait(`document.querySelector(".clocks tbody").innerText.includes("42160d.fffe.627ae7")`)
	r.wait(`[...document.querySelectorAll(".lane.states .lane-name > .value")].every(v => v.innerText.includes("unknown"))`)
	r.wait(`document.querySelector(".one-node .log .empty").innerText.startsWith("Its events cannot be read: it did not answer within 2s") || document.querySelectorAll(".one-node .row:not([hidden])").length === 3`)

	n2.SetDeaf(false)
	r.wait(`document.querySelector(".notes").innerText === ""`)
	r.must(r.Press(kb.Escape))
	r.wait(is(shownNodes, "Unknown 1: n3; Locked 2: n1 n2"))

	// One that has never answered has nothing to show, and says so.
	ask[bool](r, `document.querySelector(".tile.unknown").click(), true`)
	r.wait(`document.querySelector(".notes").innerText === "Its adapter does not answer: it did not answer within 2s."`)
	r.wait(`document.querySelector(".one-node .log .empty").innerText === "Its events cannot be read: it did not answer within 2s"`)
	r.wait(`document.querySelector(".timeline .empty").innerText === "Nothing is known of it yet." && !document.querySelector(".clocks").checkVisibility()`)
	r.must(r.Press(kb.Escape))

	r.fleet.Remove(n2)
	r.wait(is(shownNodes, "Unknown 1: n3; Locked 1: n1"))
	r.wantNoErrors()
}

// A thousand nodes, of which a hundred a second change: the page answers, and does not grow.
func TestAThousandNodes(t *testing.T) {
	const (
		nodes, rate = 1000, 100
		lasts       = 8 * time.Second
		bar         = 200 * time.Millisecond // between two frames
	)
	var all []*fleet.Adapter
	r := open(t, func(f *fleet.Fleet) {
		for n := range nodes {
			all = append(all, node(t, f, fmt.Sprintf("n%04d", n)))
		}
	}, "--timeout", "1m")
	began := time.Now()
	r.must(r.Wait(is(shownSummary, "0 freerun, 0 unknown, 0 holdover, 1000 locked"), 2*time.Minute))
	r.must(r.Wait(`document.querySelector(".log-head .count").innerText === "3000"`, 2*time.Minute))
	t.Logf("all nodes and their events were there after %v", time.Since(began).Round(100*time.Millisecond))

	// An empty page beside it shows what the machine is capable of.
	other, end := chromedp.NewContext(r.Tab)
	defer end()
	empty := &room{Session: &Session{Tab: other}, t: t}
	for _, page := range []*room{r, empty} {
		ask[bool](page, `(() => {
			window.gaps = [];
			let last = performance.now();
			const frame = (now) => { gaps.push(now - last); last = now; requestAnimationFrame(frame); };
			requestAnimationFrame((now) => { last = now; requestAnimationFrame(frame); });
			return true;
		})()`)
	}
	largest := func(page *room) time.Duration {
		t.Helper()
		return time.Duration(ask[float64](page, `Math.max(0, ...gaps.splice(0))`) * float64(time.Millisecond)).Round(time.Millisecond)
	}
	heap := func() float64 {
		t.Helper()
		if _, err := chromedp.Call(r.Tab, heapprofiler.CollectGarbage, cdp.Empty{}); err != nil {
			t.Fatal(err)
		}
		used, err := chromedp.Call(r.Tab, runtime.GetHeapUsage, cdp.Empty{})
		if err != nil {
			t.Fatal(err)
		}
		return used.UsedSize / (1 << 20)
	}
	// effort is what the page has done since it was asked before, in seconds.
	done := map[string]float64{}
	effort := func() string {
		t.Helper()
		metrics, err := chromedp.Call(r.Tab, performance.GetMetrics, cdp.Empty{})
		if err != nil {
			t.Fatal(err)
		}
		var all []string
		for _, m := range metrics.Metrics {
			if what, ok := strings.CutSuffix(m.Name, "Duration"); ok {
				all = append(all, fmt.Sprintf("%s %.2f s", what, m.Value-done[what]))
				done[what] = m.Value
			}
		}
		return strings.Join(all, ", ")
	}
	if _, err := chromedp.Call(r.Tab, performance.Enable, performance.EnableParams{TimeDomain: "threadTicks"}); err != nil {
		t.Fatal(err)
	}
	effort()
	made := 3 * nodes
	round := func() (most time.Duration) {
		t.Helper()
		largest(r)
		largest(empty)
		effort()
		tick := time.NewTicker(time.Second / rate)
		defer tick.Stop()
		for n := range int(lasts.Seconds() * rate) {
			<-tick.C
			state := []clock.State{clock.Freerun, clock.Locked}[made*37/nodes%2]
			if _, err := all[made*37%nodes].Change(time.Now(), fleet.Change{Instance: "ptp4l.0", To: state, Reason: clock.PortNotSlave}); err != nil {
				t.Fatal(err)
			}
			made++
			if n%rate == 0 { // somebody uses it meanwhile
				r.must(r.Press(kb.Tab))
			}
		}
		frames := ask[int](r, `gaps.length`)
		most = largest(r)
		t.Logf("%d nodes, %d events/s for %v: %d frames, largest gap between two %v; the bar is %v. Of an empty page beside it: %v. Of the processor the page took: %s",
			nodes, rate, lasts, frames, most, bar, largest(empty), effort())
		return most
	}
	// run is for a machine that may be busy with something else for a moment.
	run := func() {
		t.Helper()
		const tries = 3
		for n := 1; ; n++ {
			most := round()
			if most <= 10*bar {
				return
			}
			if n == tries {
				t.Errorf("the page was stuck for %v", most)
				return
			}
		}
	}
	before := heap()
	run()
	r.wait(fmt.Sprintf(`document.querySelector(".log-head .count").innerText === "%d"`, min(5000, made)))
	r.wait(`Number(document.querySelector(".chip.freerun b").innerText) > 300`)

	// As many again, and a log that is full: neither the page nor the program grows for ever.
	for n := range 2500 {
		if _, err := all[n%nodes].Change(time.Now(), fleet.Change{Instance: "ptp4l.0", To: []clock.State{clock.Holdover, clock.Locked}[n/nodes%2], Reason: clock.SyncSilent}); err != nil {
			t.Fatal(err)
		}
	}
	r.wait(`document.querySelector(".log-head .count").innerText === "5000"`)
	full := heap()
	run()
	after := heap()
	rows := ask[int](r, `document.querySelectorAll(".row").length`)
	program := memory(t, r.Pid())
	t.Logf("heap of the page: %.1f MiB, %.1f MiB with 5,000 events, %.1f MiB after more; %d rows in the document; the program has %d MiB",
		before, full, after, rows, program)
	if after > 1.5*full+4 {
		t.Errorf("the page grows: %.1f MiB, and %.1f MiB later", full, after)
	}
	if rows > 100 {
		t.Errorf("%d rows are in the document", rows)
	}
	if program > 400 {
		t.Errorf("the program has %d MiB", program)
	}
	r.wantNoErrors()
}

// memory is how much a process has resident, in MiB (proc_pid_status(5)).
func memory(t *testing.T, pid int) int {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), "VmRSS:")
	var kibibytes int
	if _, err := fmt.Sscanf(rest, "%d kB", &kibibytes); err != nil {
		t.Fatal(err)
	}
	return kibibytes / 1024
}
