// A list of events, the newest first, of which only what is seen is in the document.
import { h, setAttribute, setText } from './dom.js';
import { clockTime, offset } from './format.js';
import { kindOf, titleOf } from './past.js';
import { meaningOfReason } from './reasons.js';
import { render } from './render.js';
import { badge, setBadge } from './states.js';
import { filterOf, matches, wordsOfEvent } from './store.js';

const WIDE = 700; // pixels from which an event is one line
let count = 0;

export class EventLog {
  shown = []; // by time
  rows = [];
  active = ''; // the id of the event that keys are at
  fresh = 0;

  constructor({ title, open, nodes }) {
    this.id = `log${++count}`;
    this.open = open;
    const choice = (name, every) => h('select', { 'aria-label': name, onchange: () => this.refilter() }, h('option', { value: '' }, every));
    this.kind = choice('Type of event', 'all types');
    this.state = choice('State', 'all states');
    this.resource = choice('Instance', 'all instances');
    this.text = h('input', { type: 'search', placeholder: 'text', 'aria-label': 'Text in events', autocomplete: 'off', spellcheck: 'false', oninput: () => this.refilter() });
    this.number = h('span', { class: 'count' });
    this.newer = h('button', { class: 'newer', type: 'button', hidden: true, onclick: () => this.toTop() });
    this.canvas = h('div', { class: 'rows' });
    this.scroller = h('div', { class: 'scroller', id: this.id, tabindex: '0', role: 'listbox', 'aria-label': `${title}, the newest first` }, this.canvas);
    this.none = h('p', { class: 'empty' }, 'No events.');
    this.element = h('section', { class: nodes ? 'log' : 'log of-one', 'aria-label': title },
      h('div', { class: 'log-head' }, h('h2', null, `${title} `, this.number), h('div', { class: 'filters' }, this.kind, this.state, this.resource, this.text)),
      this.newer, this.none, this.scroller);
    this.scroller.addEventListener('scroll', () => this.draw(), { passive: true });
    this.scroller.addEventListener('keydown', (event) => this.walk(event));
    this.canvas.addEventListener('click', (event) => this.click(event));
    new ResizeObserver(() => this.resize()).observe(this.scroller);
  }

  // show shows those of all events that match the filter of the page and its own.
  show(all, filter) {
    this.all = all;
    this.filter = filter ?? [];
    render(this.id, () => this.update());
  }

  refilter() {
    this.scroller.scrollTop = 0;
    render(this.id, () => this.update());
  }

  update() {
    if (!this.all || !this.element.isConnected) return;
    this.offer();
    const text = [...this.filter, ...filterOf(this.text.value)];
    const kind = this.kind.value, state = this.state.value, instance = this.resource.value;
    const before = this.shown[this.shown.length - 1];
    this.shown = this.all.filter((e) => (!kind || kindOf(e) === kind) && (!state || e.state === state) &&
      (!instance || (e.instance ?? '') === instance) && (text.length === 0 || matches(wordsOfEvent(e), text)));
    setText(this.number, this.shown.length === this.all.length ? String(this.all.length) : `${this.shown.length} of ${this.all.length}`);
    this.none.hidden = this.shown.length > 0;
    setText(this.none, this.all.length > 0 ? 'No event matches the filters.' : this.reason ?? 'No events.');
    // Whoever has scrolled away goes on reading what they read.
    if (this.scroller.scrollTop > 0 && before) {
      const newer = this.shown.length - 1 - this.shown.lastIndexOf(before);
      if (newer > 0 && newer < this.shown.length) {
        this.fresh += newer;
        this.canvas.style.height = `${this.shown.length * this.height}px`;
        this.scroller.scrollTop += newer * this.height;
      }
    }
    this.draw();
  }

  // offer keeps what can be chosen as what there is.
  offer() {
    const there = [new Set(), new Set(), new Set()];
    for (const e of this.all) {
      there[0].add(kindOf(e));
      there[1].add(e.state);
      if (e.instance) there[2].add(e.instance);
    }
    [this.kind, this.state, this.resource].forEach((select, n) => {
      const want = [...there[n]].filter((v) => n !== 1 || /^[A-Z]/.test(v)).sort();
      if (want.join('\n') === select.offered) return;
      select.offered = want.join('\n');
      const value = select.value;
      select.replaceChildren(select.options[0], ...want.map((v) => h('option', { value: v }, n === 1 ? v.toLowerCase() : v)));
      if (want.includes(value)) select.value = value;
      select.hidden = n === 2 && (want.length < 2 || want.length > 100);
    });
  }

  resize() {
    const narrow = this.scroller.clientWidth < WIDE;
    this.element.classList.toggle('narrow', narrow);
    this.height = narrow ? 44 : 28;
    render(this.id, () => this.update());
  }

  // draw fills as many rows as are seen, and a few more.
  draw() {
    if (!this.height) return;
    const { scrollTop, clientHeight } = this.scroller;
    if (scrollTop === 0) this.fresh = 0;
    this.newer.hidden = this.fresh === 0;
    if (this.fresh > 0) setText(this.newer, `↑ ${this.fresh} newer`);
    const height = `${this.shown.length * this.height}px`;
    if (this.canvas.style.height !== height) this.canvas.style.height = height;
    const first = Math.max(0, Math.floor(scrollTop / this.height) - 4);
    const last = Math.min(this.shown.length, Math.ceil((scrollTop + clientHeight) / this.height) + 4);
    while (this.rows.length < last - first) {
      const row = new Row();
      this.rows.push(row);
      this.canvas.append(row.element);
    }
    // A row keeps its event where it can: place p is always in row p modulo their number.
    const used = new Set();
    for (let place = first; place < last; place++) {
      const fromEnd = this.shown.length - 1 - place;
      const row = this.rows[fromEnd % this.rows.length];
      used.add(row);
      row.show(this.shown[fromEnd], place, this.shown.length, this.height, this.active);
    }
    for (const row of this.rows) if (!used.has(row)) row.hide();
    setAttribute(this.scroller, 'aria-activedescendant', this.active && this.rows.some((r) => r.event?.id === this.active && !r.element.hidden) ? domId(this.active) : null);
  }

  toTop() {
    this.scroller.scrollTop = 0;
    this.scroller.focus();
    this.draw();
  }

  place() {
    const at = this.shown.findLastIndex((e) => e.id === this.active);
    return at < 0 ? -1 : this.shown.length - 1 - at;
  }

  walk(event) {
    if (event.ctrlKey || event.altKey || event.metaKey || this.shown.length === 0) return;
    const page = Math.max(1, Math.floor(this.scroller.clientHeight / this.height) - 1);
    const steps = { ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page, Home: -Infinity, End: Infinity };
    if (event.key === 'Enter') {
      const chosen = this.shown[this.shown.length - 1 - this.place()];
      if (this.active && chosen) this.open?.(chosen);
      return;
    }
    if (!(event.key in steps)) return;
    event.preventDefault();
    const to = Math.min(this.shown.length - 1, Math.max(0, this.place() + steps[event.key]));
    this.active = this.shown[this.shown.length - 1 - to].id;
    const top = to * this.height;
    if (top < this.scroller.scrollTop) this.scroller.scrollTop = top;
    if (top + this.height > this.scroller.scrollTop + this.scroller.clientHeight) this.scroller.scrollTop = top + this.height - this.scroller.clientHeight;
    this.draw();
  }

  click(event) {
    const row = this.rows.find((r) => r.element.contains(event.target));
    if (!row?.event) return;
    this.active = row.event.id;
    this.draw();
    if (event.target.closest('.node')) this.open?.(row.event);
  }
}

const domId = (id) => `event-${id}`;

class Row {
  constructor() {
    this.time = h('time');
    this.sign = badge('UNKNOWN');
    this.node = h('span', { class: 'node' });
    this.kind = h('span', { class: 'kind' });
    this.change = h('span', { class: 'change' });
    this.note = h('span', { class: 'note' });
    this.element = h('div', { class: 'row', role: 'option' }, this.time, this.sign, this.node, this.kind, this.change, this.note);
  }

  show(event, place, all, height, active) {
    this.element.hidden = false;
    const top = `translateY(${place * height}px)`;
    if (this.element.style.transform !== top) this.element.style.transform = top;
    setAttribute(this.element, 'aria-posinset', String(place + 1));
    setAttribute(this.element, 'aria-setsize', String(all));
    setAttribute(this.element, 'aria-selected', String(event.id === active));
    if (this.event === event) return;
    this.event = event;
    this.element.id = domId(event.id);
    setText(this.time, clockTime(event.at));
    setAttribute(this.time, 'datetime', event.time);
    setAttribute(this.time, 'title', event.time);
    setBadge(this.sign, event.state);
    this.sign.title = event.state;
    setText(this.node, event.node);
    setText(this.kind, titleOf(event));
    setAttribute(this.kind, 'title', event.address);
    setText(this.change, event.previous && event.previous !== event.state ? `${event.previous} → ${event.state}` : event.state);
    const notes = [event.reason, event.offset ? offset(event.offset) : '', event.missed ? 'noticed later' : ''].filter(Boolean);
    setText(this.note, notes.join(' · '));
    setAttribute(this.note, 'title', meaningOfReason(event.reason) || null);
  }

  hide() {
    this.element.hidden = true;
    this.event = null;
  }
}
