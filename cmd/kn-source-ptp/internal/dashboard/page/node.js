// One node: its clocks, its past, its offsets, its events.
import { h, setAttribute, setText } from './dom.js';
import { age, offset } from './format.js';
import { EventLog } from './log.js';
import { nameOf, othersOf } from './past.js';
import { meaningOfReason } from './reasons.js';
import { render } from './render.js';
import { badge, setBadge } from './states.js';
import { filterOf, MAX_EVENTS, nowOf } from './store.js';
import { Timeline } from './timeline.js';

const LOOK = 1000; // how often a node that is looked at is asked
const MAX_SAMPLES = 4096;

export class NodeView {
  events = [];
  ids = new Set();
  samples = {};
  filter = [];

  constructor(store, key) {
    this.store = store;
    this.key = key;
    this.sign = badge('UNKNOWN');
    this.title = h('h2', { tabindex: '-1' });
    this.state = h('span', { class: 'state' });
    this.where = h('span', { class: 'where' });
    this.notes = h('div', { class: 'notes' });
    this.body = h('tbody');
    const head = ['Clock', 'State', 'Since', 'Reason', 'Offset', 'Path delay', 'Grandmaster', 'Class', 'Interface', 'Ports'];
    this.timeline = new Timeline();
    this.log = new EventLog({ title: 'Events of this node', nodes: false });
    this.element = h('div', { class: 'one-node' },
      h('div', { class: 'node-head' }, h('a', { class: 'back', href: '#' }, '← All nodes'), this.sign, this.title, this.state, this.where),
      this.notes,
      this.clocks = h('section', { class: 'clocks', 'aria-label': 'Clocks' }, h('table', null,
        h('thead', null, h('tr', null, head.map((name) => h('th', { scope: 'col' }, name)))), this.body)),
      this.timeline.element, this.log.element);
    this.timers = [setInterval(() => this.look(), LOOK), setInterval(() => this.draw(), 1000)];
    this.remember();
    this.draw();
    this.log.reason = 'The past is being read …';
    this.read();
  }

  close() {
    this.closed = true;
    this.timers.forEach(clearInterval);
  }

  focus() { this.title.focus({ preventScroll: true }); }

  // look has the command ask the node now, and not only when it is its turn.
  look() {
    if (!document.hidden) fetch(`look?key=${encodeURIComponent(this.key)}`, { method: 'POST' }).catch(() => {}); // the alarm says it
  }

  // read gets the past from the node itself, and what has come meanwhile from the stream.
  async read() {
    const number = this.reading = (this.reading ?? 0) + 1;
    let past;
    try {
      const answer = await fetch(`history?key=${encodeURIComponent(this.key)}`);
      past = answer.ok ? await answer.json() : { events: [], samples: {}, error: await answer.text() };
    } catch (error) {
      past = { events: [], samples: {}, error: String(error.message) };
    }
    if (this.closed || number !== this.reading) return;
    this.past = past;
    for (const event of past.events) event.at = Date.parse(event.time);
    const known = this.events;
    this.events = past.events;
    this.ids = new Set(past.events.map((e) => e.id));
    for (const event of [...known, ...this.store.log]) this.add(event);
    for (const [clock, list] of Object.entries(past.samples)) {
      const newest = list.length > 0 ? list[list.length - 1][0] : -Infinity;
      this.samples[clock] = [...list, ...(this.samples[clock] ?? []).filter(([at]) => at > newest)];
    }
    this.log.reason = past.error ? `Its events cannot be read: ${past.error}` : 'It keeps no events yet.';
    this.timeline.fit(this.events, nowOf(this.node));
    this.draw();
    this.showEvents();
  }

  add(event) {
    if (event.key !== this.key || this.ids.has(event.id)) return;
    this.ids.add(event.id);
    this.events.push(event);
    if (this.events.length > MAX_EVENTS) this.ids.delete(this.events.shift().id);
  }

  // reconnected reads again: events may have been missed that the stream does not keep.
  reconnected() { if (this.past) this.read(); }

  change({ nodes, gone, events }) {
    if (nodes.has(this.key)) this.remember();
    const before = this.events.length;
    for (const event of events) this.add(event);
    if (events.length > 0 && this.events.length !== before) this.showEvents();
    if (nodes.has(this.key) || gone.has(this.key) || this.events.length !== before) render('node', () => this.draw());
  }

  // remember keeps the offsets that are said now.
  remember() {
    const state = this.store.nodes.get(this.key)?.state;
    const at = Date.parse(state?.time);
    for (const i of state?.instances ?? []) {
      if (i.offsetNanoseconds === undefined) continue;
      const list = this.samples[i.name] ??= [];
      if (list.length === 0 || list[list.length - 1][0] < at) list.push([at, i.offsetNanoseconds]);
      if (list.length > MAX_SAMPLES) list.splice(0, list.length - MAX_SAMPLES);
    }
  }

  filtered(text) {
    this.filter = filterOf(text);
    this.showEvents();
  }

  showEvents() { this.log.show(this.events, this.filter); }

  draw() {
    if (this.closed) return;
    const node = this.node = this.store.nodes.get(this.key) ?? this.node;
    const there = this.store.nodes.has(this.key);
    setText(this.title, node?.node ?? decodeURIComponent(this.key.split('/').pop()));
    setBadge(this.sign, node?.worst ?? 'UNKNOWN');
    setText(this.state, node ? node.worst.toLowerCase() : '');
    setText(this.where, node ? `${node.namespace}/${node.source} · ${node.pod}` : '');
    this.drawNotes(node, there);
    this.drawClocks(node);
    if (this.past) this.timeline.show(this.events, this.samples, node);
  }

  drawNotes(node, there) {
    const notes = [];
    if (!there) notes.push(['silent', this.store.version === 0 ? 'It is being looked for.' : 'No adapter runs on this node any more.']);
    if (node?.error) {
      const last = node.heard ? ` It was heard last ${age(Date.now() - Date.parse(node.heard))} ago: what is below was so then.` : '';
      notes.push(['silent', `Its adapter does not answer: ${node.error}.${last}`]);
    }
    if (node?.eventsError && node.eventsError !== node.error) notes.push(['warn', `Its events are not heard: ${node.eventsError}.`]);
    const ahead = node?.aheadMilliseconds ?? 0;
    if (Math.abs(ahead) >= 1000) {
      notes.push(['warn', `Its clock is ${age(Math.round(Math.abs(ahead) / 1000) * 1000)} ${ahead > 0 ? 'ahead of' : 'behind'} the clock of this machine. Times are the node’s.`]);
    }
    const key = JSON.stringify(notes);
    if (key === this.noted) return;
    this.noted = key;
    this.notes.replaceChildren(...notes.map(([kind, text]) => h('p', { class: kind }, text)));
  }

  drawClocks(node) {
    const state = node?.state;
    const lines = (state?.instances ?? []).map((i) => [i.name, i, {
      Offset: i.offsetNanoseconds === undefined ? '' : offset(i.offsetNanoseconds),
      'Path delay': i.pathDelayNanoseconds === undefined ? '' : offset(i.pathDelayNanoseconds).replace('+', ''),
      Grandmaster: i.grandmaster, Class: i.class, Interface: i.interface,
      Ports: (i.ports ?? []).map((p) => `${p.number} ${p.state}${p.interface ? ` ${p.interface}` : ''}`).join(', '),
    }]);
    if (state?.osClock) lines.push(['OS clock', state.osClock, {}]);
    for (const [resource, instance, condition] of othersOf(state)) {
      if (/^(gnss|synce)-status\//.test(resource)) lines.push([nameOf(resource, instance), condition, {}]);
    }
    if (state) lines.push(['Node', state.overall, {}]);
    while (this.body.rows.length > lines.length) this.body.lastChild.remove();
    while (this.body.rows.length < lines.length) this.body.append(new Line().element);
    lines.forEach(([name, condition, cells], n) => this.body.rows[n].line.show(name, condition, cells, node));
    this.clocks.hidden = lines.length === 0;
    this.clocks.classList.toggle('old', Boolean(node?.error));
  }
}

// Line is one clock of the table.
class Line {
  constructor() {
    this.sign = badge('UNKNOWN');
    this.state = h('span');
    this.since = h('time');
    this.reason = h('span');
    this.name = h('th', { scope: 'row' });
    this.cells = ['Offset', 'Path delay', 'Grandmaster', 'Class', 'Interface', 'Ports'].map((name) => [name, h('td', { 'data-name': name })]);
    this.element = h('tr', null, this.name, h('td', { class: 'state-cell', 'data-name': 'State' }, this.sign, this.state),
      h('td', { 'data-name': 'Since' }, this.since), h('td', { 'data-name': 'Reason' }, this.reason), this.cells.map(([, cell]) => cell));
    this.element.line = this;
  }

  show(name, condition, cells, node) {
    setText(this.name, name);
    setBadge(this.sign, condition.state);
    setText(this.state, condition.state.toLowerCase());
    setText(this.since, condition.since ? age(nowOf(node) - Date.parse(condition.since)) : '–');
    setAttribute(this.since, 'datetime', condition.since ?? null);
    setAttribute(this.since, 'title', condition.since ?? null);
    setText(this.reason, condition.reason ?? '–');
    setAttribute(this.reason, 'title', meaningOfReason(condition.reason) || null);
    for (const [column, cell] of this.cells) {
      setText(cell, cells[column] || '–');
      setAttribute(cell, 'class', cells[column] ? null : 'none');
    }
  }
}
