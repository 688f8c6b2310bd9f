// The past of a node: a lane for each resource, and one for the offset of each clock, all with
// the same axis of time and one cursor.
import { Axis } from './axis.js';
import { h, s, setText } from './dom.js';
import { age, clockTime, offset } from './format.js';
import { lanesOf, stateAt } from './past.js';
import { drawPlot } from './plot.js';
import { badge, letterOf, lookOf, setBadge } from './states.js';
import { nowOf } from './store.js';

const MINUTE = 60_000, HOUR = 60 * MINUTE;
const RANGES = [['5 min', 5 * MINUTE], ['1 h', HOUR], ['6 h', 6 * HOUR], ['24 h', 24 * HOUR], ['7 d', 168 * HOUR], ['all', 0]];
const LANE = 24, PLOT = 112, NARROWEST = 3; // pixels

export class Timeline {
  range = HOUR;
  cursor = null; // a time, or null

  constructor() {
    this.buttons = RANGES.map(([text, range]) => h('button', { type: 'button', onclick: () => this.setRange(range) }, text));
    this.readout = h('span', { class: 'readout' });
    this.spoken = h('span', { class: 'hidden', role: 'status' });
    this.none = h('p', { class: 'empty' }, 'Nothing is known of it yet.');
    this.lanes = h('div', {
      class: 'lanes', tabindex: '0', role: 'img',
      onpointermove: (e) => this.point(e), onpointerleave: () => this.setCursor(null), onkeydown: (e) => this.walk(e),
    });
    this.element = h('section', { class: 'timeline', 'aria-label': 'Past' },
      h('div', { class: 'part-head' }, h('h2', null, 'Past'), this.readout, this.spoken, h('div', { class: 'ranges', role: 'group', 'aria-label': 'How far back' }, this.buttons)),
      this.none, this.lanes);
    new ResizeObserver(() => this.draw()).observe(this.lanes);
    this.patterns();
    this.setRange(HOUR);
  }

  // patterns tell states apart where colours do not.
  patterns() {
    this.element.prepend(s('svg', { width: 0, height: 0, class: 'defs', 'aria-hidden': 'true' }, s('defs', null,
      s('pattern', { id: 'hatch', width: 6, height: 6, patternUnits: 'userSpaceOnUse', patternTransform: 'rotate(45)' },
        s('rect', { class: 'hatch-ground', width: 6, height: 6 }), s('rect', { class: 'hatch-line', width: 2.5, height: 6 })),
      s('pattern', { id: 'dots', width: 5, height: 5, patternUnits: 'userSpaceOnUse' },
        s('rect', { class: 'dots-ground', width: 5, height: 5 }), s('circle', { class: 'dots-dot', cx: 2, cy: 2, r: 1 })))));
  }

  // fit takes the shortest range that shows some of what has happened.
  fit(events, now) {
    const few = events[Math.max(0, events.length - 12)];
    if (few && !this.chosen) this.setRange(RANGES.find(([, range]) => range >= Math.max(HOUR, (now - few.at) * 1.02))?.[1] ?? 0, false);
  }

  setRange(range, chosen = true) {
    this.range = range;
    this.chosen = chosen && this.events !== undefined;
    this.buttons.forEach((button, n) => button.setAttribute('aria-pressed', String(RANGES[n][1] === range)));
    this.draw();
  }

  // show takes all events of a node, in its order, and its offsets by instance.
  show(events, samples, node) {
    Object.assign(this, { events, samples, node });
    this.draw();
  }

  draw() {
    if (!this.events || !this.element.isConnected) return;
    const now = nowOf(this.node);
    const oldest = Math.min(...this.events.slice(0, 1).map((e) => e.at), now - MINUTE);
    const from = this.range ? now - this.range : oldest - (now - oldest) * 0.02;
    this.all = lanesOf(this.events, this.node, now);
    this.lanes.hidden = this.all.length === 0;
    this.none.hidden = this.all.length > 0;
    if (this.lanes.hidden) return;
    this.sync();
    const width = Math.max(120, this.axisRow.plot.clientWidth);
    const axis = this.axis = new Axis(from, now, width);
    for (const row of this.rows) row.draw(axis);
    this.axisRow.plot.replaceChildren(s('svg', { width, height: 18 }, axis.labels()));
    this.say();
    this.mark();
  }

  // sync makes as many rows as there are lanes and clocks.
  sync() {
    const clocks = (this.node?.state?.instances ?? []).map((i) => i.name);
    for (const name of Object.keys(this.samples ?? {})) if (!clocks.includes(name)) clocks.push(name);
    const names = [...this.all.map((l) => l.name), ...clocks.map((c) => `offset ${c}`)].join('\n');
    if (names !== this.names) {
      this.names = names;
      this.rows = [...this.all.map((lane) => new LaneRow(lane)), ...clocks.map((c) => new PlotRow(c))];
      this.axisRow = new RowElement('', 18, 'axis');
      this.line = h('div', { class: 'cursor', hidden: true });
      this.lanes.replaceChildren(...this.rows.map((r) => r.row.element), this.axisRow.element, this.line);
    }
    this.rows.forEach((row, n) => (row instanceof LaneRow ? row.take(this.all[n]) : row.take(this.samples[row.clock] ?? [], toldOf(this.events, row.clock), this.node)));
  }

  // say tells in words what is drawn.
  say() {
    const present = this.all.filter((l) => l.segments.length > 0).map((l) => `${l.name} is ${l.segments[l.segments.length - 1].state}`);
    this.lanes.setAttribute('aria-label', `States over time; left and right go from change to change. Now ${present.join(', ')}.`);
  }

  point(event) {
    const box = this.axisRow?.plot.getBoundingClientRect();
    if (!box) return;
    const x = event.clientX - box.left;
    this.setCursor(x < 0 || x > box.width ? null : this.axis.at(x));
  }

  walk(event) {
    if (event.ctrlKey || event.altKey || event.metaKey || !this.axis) return;
    const changes = [...new Set(this.events.map((e) => e.at))].sort((a, b) => a - b).filter((t) => t >= this.axis.from && t <= this.axis.to);
    const at = this.cursor ?? Infinity;
    let to;
    if (event.key === 'ArrowLeft') to = changes.findLast((t) => t < at);
    else if (event.key === 'ArrowRight') to = changes.find((t) => t > at) ?? null;
    else if (event.key === 'Home') to = changes[0];
    else if (event.key === 'End') to = null;
    else if (event.key === 'Escape' && this.cursor !== null) {
      event.stopPropagation();
      to = null;
    } else return;
    event.preventDefault();
    if (to === undefined) return;
    this.setCursor(to);
    const states = this.all.map((lane) => `${lane.name} ${stateAt(lane, to ?? this.axis.to)?.state ?? ''}`);
    setText(this.spoken, to === null ? `now: ${states.join(', ')}` : `${this.readout.textContent}: ${states.join(', ')}`);
  }

  setCursor(at) {
    this.cursor = at;
    this.mark();
  }

  // mark shows what was at the cursor.
  mark() {
    if (!this.axis) return;
    const at = this.cursor;
    const seen = at !== null && at >= this.axis.from && at <= this.axis.to;
    this.line.hidden = !seen;
    if (seen) this.line.style.left = `${this.axisRow.plot.offsetLeft + this.axis.x(at)}px`;
    setText(this.readout, seen ? `${clockTime(at)}, ${age(this.axis.to - at)} ago` : '');
    for (const row of this.rows) row.mark(seen ? at : this.axis.to, seen);
  }
}

// RowElement is the name of a row, its value, and room to draw.
class RowElement {
  constructor(name, height, kind) {
    this.value = h('span', { class: 'value' });
    this.plot = h('div', { class: 'plot' });
    this.element = h('div', { class: `lane ${kind}` }, h('div', { class: 'lane-name' }, h('span', { class: 'lane-title', title: name }, name), this.value), this.plot);
    this.plot.style.height = `${height}px`;
  }
}

class LaneRow {
  constructor(lane) {
    this.row = new RowElement(lane.name, LANE, 'states');
    this.sign = badge('');
    this.word = h('span', { class: 'word' });
    this.row.value.append(this.sign, this.word);
  }

  take(lane) { this.lane = lane; }

  draw(axis) {
    const svg = s('svg', { width: axis.width, height: LANE }, axis.grid(LANE));
    for (const { from, to, state, reason, several } of merged(this.lane.segments, axis)) {
      const x = Math.max(0, axis.x(from)), width = Math.max(1, axis.x(to) - x);
      const look = lookOf(state);
      const high = look === 'locked' ? 8 : look === 'value' ? 14 : 18;
      const y = (LANE - high) / 2;
      svg.append(s('rect', { class: `segment ${look}`, x, y, width, height: high, rx: Math.min(2, width / 2) }));
      const text = look === 'value' ? state : look === 'locked' ? '' : letterOf(state);
      if (!several && text && width > text.length * 7 + 8) {
        svg.append(s('text', { class: `letter ${look}`, x: x + width / 2, y: LANE / 2 + 4, 'text-anchor': 'middle' }, text));
      }
      if (several) svg.append(s('line', { class: 'several', x1: x, x2: x + width, y1: LANE - 2, y2: LANE - 2 }));
      else svg.lastChild.append(s('title', null, [state, reason].filter(Boolean).join(': ')));
    }
    for (const { at, state } of this.lane.moments) {
      if (at < axis.from) continue;
      const x = axis.x(at), y = LANE / 2;
      svg.append(s('path', { class: 'moment', d: `M${x} ${y - 6}l6 6l-6 6l-6 -6z` }, s('title', null, state)));
    }
    this.row.plot.replaceChildren(svg);
  }

  mark(at) {
    const segment = stateAt(this.lane, at);
    const moment = this.lane.moments.findLast((m) => m.at <= at);
    const state = segment?.state ?? '';
    setBadge(this.sign, state);
    this.sign.hidden = !state || lookOf(state) === 'value';
    setText(this.word, state ? state.toLowerCase() : moment ? moment.state : '');
  }
}

// merged leaves out what is too short to be seen: the worst of it is shown instead, and that
// it is several.
function merged(segments, axis) {
  const all = [];
  for (const segment of segments) {
    if (segment.to < axis.from || segment.to < segment.from) continue;
    const last = all[all.length - 1];
    const x = axis.x(Math.max(segment.from, axis.from)), end = axis.x(segment.to);
    if (last && end - x < NARROWEST && x - axis.x(Math.max(last.from, axis.from)) < 2 * NARROWEST && (last.several || axis.x(last.to) - axis.x(last.from) < NARROWEST)) {
      last.to = segment.to;
      last.several = true;
      if (rankOf(segment.state) < rankOf(last.state)) last.state = segment.state;
      continue;
    }
    all.push({ ...segment });
  }
  return all;
}

const rankOf = (state) => ['freerun', 'unknown', 'holdover', 'value', 'locked'].indexOf(lookOf(state));

// toldOf returns the offsets that events of a clock tell, with its state: they go further back
// than what was measured since the dashboard began.
function toldOf(events, clock) {
  return events.filter((e) => e.offset !== undefined && e.instance === clock).map((e) => [e.at, Number(e.offset), e.state]);
}

class PlotRow {
  constructor(clock) {
    this.clock = clock;
    this.row = new RowElement(`offset ${clock}`, PLOT, 'offsets');
    this.word = h('span', { class: 'word' });
    this.row.value.append(this.word);
  }

  take(samples, told, node) {
    this.samples = samples;
    this.told = told;
    this.thresholds = node?.state?.thresholds;
  }

  draw(axis) { this.row.plot.replaceChildren(drawPlot(this.samples, this.told, this.thresholds, axis, PLOT)); }

  mark(at, seen) {
    const sample = this.samples.findLast(([t]) => t <= at);
    const known = sample && at - sample[0] < 60_000;
    setText(this.word, known ? offset(sample[1]) : seen ? 'not measured' : '');
  }
}
