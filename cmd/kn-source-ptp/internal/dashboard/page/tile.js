// A tile: one node, by one adapter.
import { h, setAttribute, setText } from './dom.js';
import { age, offset } from './format.js';
import { meaningOfReason } from './reasons.js';
import { badge, lookOf, setBadge } from './states.js';
import { clocksOf, nowOf } from './store.js';

export class Tile {
  constructor(key) {
    this.sign = badge('UNKNOWN');
    this.name = h('span', { class: 'name' });
    this.since = h('time', { class: 'since' });
    this.what = h('span', { class: 'what' });
    this.figure = h('span', { class: 'figure' });
    this.link = h('a', { class: 'tile', href: `#/node/${encodeURIComponent(key)}`, tabindex: '-1' },
      this.sign, this.name, this.since, this.what, this.figure);
    this.element = h('li', null, this.link);
  }

  // update shows a node; source is whether its PtpSource must be named.
  update(node, source) {
    this.node = node;
    const [clock, ...others] = clocksOf(node);
    const shown = clock ?? (node.error ? null : node.state?.overall);
    setBadge(this.sign, node.worst);
    setText(this.name, node.node);
    setAttribute(this.name, 'title', node.node);
    this.begun = node.error ? node.heard : shown?.since;
    setAttribute(this.since, 'datetime', this.begun ?? null);
    setAttribute(this.since, 'title', this.begun ? `${node.error ? 'last heard' : 'since'} ${this.begun}` : null);
    setText(this.what, node.worst === 'LOCKED' ? (clock?.class ? `class ${clock.class}` : '') : describe(node, shown));
    setAttribute(this.what, 'title', node.error ?? (meaningOfReason(shown?.reason) || null));
    const figures = [];
    if (source) figures.push(`${node.namespace}/${node.source}`);
    if (others.length > 0) figures.push(`${others.length + 1} clocks`);
    if (clock?.offsetNanoseconds !== undefined) figures.push(offset(clock.offsetNanoseconds));
    else if (clock?.class && node.worst !== 'LOCKED') figures.push(`class ${clock.class}`);
    setText(this.figure, figures.join(' · '));
    setAttribute(this.link, 'class', `tile ${lookOf(node.worst)}${figures.length > 0 ? '' : ' bare'}`);
    this.tick();
  }

  // tick shows how long it has been so.
  tick() {
    const text = this.begun ? age((this.node.error ? Date.now() : nowOf(this.node)) - Date.parse(this.begun)) : '';
    setText(this.since, text);
  }
}

function describe(node, shown) {
  if (node.error) return node.error;
  if (node.waiting) return 'is being asked';
  const state = node.worst === shown?.state ? '' : `node ${node.worst.toLowerCase()} `; // the clock is better than its node
  return state + (shown?.reason ?? '');
}
