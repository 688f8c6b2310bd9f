// All nodes, the worst first, and the events of all. Of a large fleet only the tiles that are
// seen are in the document.
import { h, setAttribute, setText } from './dom.js';
import { byName } from './format.js';
import { EventLog } from './log.js';
import { render } from './render.js';
import { STATES, severity } from './states.js';
import { filterOf, matches, words } from './store.js';
import { Tile } from './tile.js';

const MANY = 150; // nodes from which those that are well take less room
const GAP = 6, TALL = 60, LOW = 32; // pixels
const WIDTH = 178, WIDEST = 320; // the least that a tile has, and the most that it takes for its name
const BESIDES = 300; // pixels beyond what is seen that are ready to be scrolled to

// Group is the nodes with one state, by their names.
class Group {
  all = [];
  shown = []; // those that are asked for

  constructor(state) {
    this.state = state;
    this.count = h('span', { class: 'count' });
    this.list = h('ul', { class: 'tiles', 'aria-label': `Nodes that are ${state.toLowerCase()}` });
    this.element = h('section', { class: 'group', hidden: true }, h('h2', null, `${state[0]}${state.slice(1).toLowerCase()} `, this.count), this.list);
  }

  place(entry) {
    let low = 0, high = this.all.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (byName(this.all[middle].name, entry.name) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  add(entry) {
    this.all.splice(this.place(entry), 0, entry);
    entry.group = this;
  }

  remove(entry) { this.all.splice(this.all.indexOf(entry), 1); }

  // arrange says where tiles are, for a width.
  arrange(width, least, many) {
    this.columns = Math.max(1, Math.floor((width + GAP) / (least + GAP)));
    this.width = (width - GAP * (this.columns - 1)) / this.columns;
    this.height = (many && this.state === 'LOCKED' ? LOW : TALL) + GAP;
    const rows = Math.ceil(this.shown.length / this.columns);
    const height = `${Math.max(0, rows * this.height - GAP)}px`;
    if (this.list.style.height !== height) this.list.style.height = height;
    this.element.hidden = this.shown.length === 0;
    setText(this.count, String(this.shown.length));
  }

  // seen returns the first of the tiles that are seen, and the first behind them.
  seen() {
    if (this.shown.length === 0) return [0, 0];
    const top = this.list.getBoundingClientRect().top;
    const first = Math.floor((-BESIDES - top) / this.height), last = Math.ceil((innerHeight + BESIDES - top) / this.height);
    return [Math.max(0, first * this.columns), Math.min(this.shown.length, Math.max(0, last * this.columns))];
  }
}

export class Overview {
  key = ''; // of no node
  filter = [];
  only = ''; // a state, or 'silent'
  entries = new Map(); // {key, node, name, group, tile}
  dirty = new Set();
  drawn = new Set();
  letters = 0; // of a name, which nine of ten have at most

  constructor(store, open) {
    this.store = store;
    this.groups = STATES.map((state) => new Group(state));
    this.empty = h('p', { class: 'empty' }, 'Nodes are being looked for …');
    this.nodes = h('div', { class: 'nodes', role: 'region', 'aria-label': 'Nodes' }, this.empty, this.groups.map((g) => g.element));
    this.nodes.addEventListener('keydown', (event) => this.walk(event));
    this.nodes.addEventListener('focusin', (event) => this.hold(event.target.closest('li')?.entry));
    this.log = new EventLog({ title: 'Events', open, nodes: true });
    this.element = h('div', { class: 'overview' }, this.nodes, this.log.element);
    new ResizeObserver(() => this.draw()).observe(this.nodes);
    // Which part of the page scrolls, its width decides.
    addEventListener('scroll', (event) => { if (event.target.contains?.(this.nodes)) this.draw(); }, { capture: true, passive: true });
    setInterval(() => this.tick(), 1000);
  }

  // change takes what has changed in the store.
  change({ nodes, gone, events }) {
    for (const key of nodes) this.dirty.add(key);
    for (const key of gone) this.dirty.add(key);
    if (this.dirty.size > 0) render('tiles', () => this.update());
    if (events.length > 0) this.showEvents();
  }

  // find shows only what matches, and only one state if that is given.
  find(text, only) {
    this.filter = filterOf(text);
    this.only = only;
    this.changed = new Set(this.groups);
    render('tiles', () => this.update());
    this.showEvents();
  }

  // includes is whether a node is asked for, whatever its state.
  includes(node) { return this.filter.length === 0 || matches(words(node), this.filter); }

  wants(node) { return (!this.only || this.only === node.worst || (this.only === 'silent' && node.error)) && this.includes(node); }

  showEvents() { this.log.show(this.store.log, this.filter); }

  // update puts nodes where they belong.
  update() {
    const changed = this.changed ?? new Set();
    this.changed = null;
    for (const key of this.dirty) {
      const node = this.store.nodes.get(key);
      let entry = this.entries.get(key);
      const group = node && this.groups[severity(node.worst)];
      const name = node && `${node.node} ${node.namespace}/${node.source}`;
      if (entry && (entry.group !== group || entry.name !== name)) {
        changed.add(entry.group);
        entry.group.remove(entry);
        entry.group = null;
      }
      if (!node) {
        this.entries.delete(key);
        continue;
      }
      if (!entry) this.entries.set(key, entry = { key });
      Object.assign(entry, { node, name, fresh: true });
      if (!entry.group) group.add(entry);
      changed.add(group);
    }
    this.dirty.clear();
    for (const group of changed) group.shown = group.all.filter((entry) => this.wants(entry.node));
    const all = [...this.store.nodes.values()];
    this.several = new Set(all.map((node) => `${node.namespace}/${node.source}`)).size > 1;
    const lengths = all.map((node) => node.node.length).sort((a, b) => a - b);
    this.letters = lengths[Math.floor(lengths.length * 0.9)] ?? 0;
    const none = this.groups.every((g) => g.shown.length === 0);
    this.empty.hidden = !none;
    if (none) {
      setText(this.empty, this.store.nodes.size === 0
        ? 'No adapter runs here. `kn source ptp doctor` says why.' : 'No node matches the filter. Esc clears it.');
    }
    this.draw();
    return false;
  }

  // draw has those tiles in the document that are seen, and the one that has the focus.
  draw() {
    if (!this.element.isConnected) return;
    const many = this.entries.size > MANY;
    this.nodes.classList.toggle('many', many);
    const style = getComputedStyle(this.nodes);
    const width = this.nodes.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight);
    const least = Math.min(WIDEST, width, Math.max(WIDTH, 96 + 7.5 * this.letters));
    for (const group of this.groups) group.arrange(width, least, many);
    const ranges = this.groups.map((group) => group.seen());
    const focused = document.activeElement?.closest?.('.tiles li')?.entry;
    const drawn = new Set();
    this.groups.forEach((group, n) => {
      const [first, last] = ranges[n];
      const places = [];
      for (let place = first; place < last; place++) places.push(place);
      for (const entry of new Set([focused, this.wanted])) {
        if (entry?.group !== group) continue;
        const place = group.shown.indexOf(entry);
        if (place >= 0 && place < first) places.unshift(place);
        if (place >= last) places.push(place);
      }
      let before = null;
      for (const place of places) {
        const entry = group.shown[place];
        this.show(entry, group, place, before);
        drawn.add(entry);
        before = entry.tile.element;
      }
    });
    for (const entry of this.drawn) {
      if (drawn.has(entry)) continue;
      entry.tile.element.remove();
      entry.tile = null;
    }
    this.drawn = drawn;
    if (!drawn.has(this.held)) this.hold(drawn.values().next().value);
    // Who is moved loses the focus.
    if (focused && drawn.has(focused) && document.activeElement !== focused.tile.link) focused.tile.link.focus({ preventScroll: true });
  }

  // show shows a tile at its place, behind another one.
  show(entry, group, place, before) {
    if (!entry.tile) {
      entry.tile = new Tile(entry.key);
      entry.tile.element.entry = entry;
      entry.fresh = true;
      if (entry === this.held) entry.tile.link.tabIndex = 0;
    }
    const { element } = entry.tile;
    if (entry.fresh || entry.several !== this.several) entry.tile.update(entry.node, this.several);
    entry.fresh = false;
    entry.several = this.several;
    if (element.parentElement !== group.list || element.previousElementSibling !== before) {
      if (before) before.after(element);
      else group.list.prepend(element);
    }
    const x = (place % group.columns) * (group.width + GAP), y = Math.floor(place / group.columns) * group.height;
    const transform = `translate(${x}px, ${y}px)`, width = `${group.width}px`;
    if (element.style.transform !== transform) element.style.transform = transform;
    if (element.style.width !== width) element.style.width = width;
    setAttribute(element, 'aria-posinset', String(place + 1));
    setAttribute(element, 'aria-setsize', String(group.shown.length));
  }

  // hold makes a tile the one that Tab leads to.
  hold(entry) {
    if (!entry || this.held === entry) return;
    if (this.held?.tile) this.held.tile.link.tabIndex = -1;
    this.held = entry;
    if (entry.tile) entry.tile.link.tabIndex = 0;
  }

  // focus goes to the tile of a node, or to the one that was left.
  focus(key) { this.goTo(this.entries.get(key) ?? this.held); }

  goTo(entry) {
    if (!entry?.group?.shown.includes(entry)) return;
    this.wanted = entry;
    this.draw();
    entry.tile?.link.focus();
    this.wanted = null;
  }

  tick() {
    if (document.hidden || !this.element.isConnected) return;
    for (const entry of this.drawn) entry.tile.tick();
  }

  // walk goes from tile to tile, as they are seen.
  walk(event) {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    const from = event.target.closest('li')?.entry;
    const to = from && this.next(from, event.key);
    if (!to) return;
    event.preventDefault();
    this.goTo(to);
  }

  // next is where a key leads from a tile.
  next(from, key) {
    const groups = this.groups.filter((g) => g.shown.length > 0);
    const n = groups.indexOf(from.group), group = groups[n], place = group?.shown.indexOf(from);
    if (!group || place < 0) return undefined;
    const { shown, columns } = group, column = place % columns;
    const lastOf = (list) => list?.[list.length - 1];
    switch (key) {
      case 'ArrowRight': return shown[place + 1] ?? groups[n + 1]?.shown[0];
      case 'ArrowLeft': return shown[place - 1] ?? lastOf(groups[n - 1]?.shown);
      case 'Home': return groups[0].shown[0];
      case 'End': return lastOf(lastOf(groups).shown);
      case 'ArrowDown': {
        if (shown[place + columns]) return shown[place + columns];
        if (Math.floor(place / columns) < Math.floor((shown.length - 1) / columns)) return lastOf(shown);
        const below = groups[n + 1]?.shown;
        return below?.[column] ?? lastOf(below);
      }
      case 'ArrowUp': {
        if (place >= columns) return shown[place - columns];
        const above = groups[n - 1]?.shown;
        return above?.[Math.floor((above.length - 1) / columns) * columns + column] ?? lastOf(above);
      }
      default: return undefined;
    }
  }
}
