// What is known of all nodes, and the newest events: the same that the command keeps.
import { severity } from './states.js';

export const MAX_EVENTS = 5000;

export class Store {
  nodes = new Map();
  log = [];
  about = null;
  version = 0;

  // apply takes a frame, and returns what has changed by it.
  apply(frame) {
    const change = { nodes: new Set(), gone: new Set(), worse: [], events: [] };
    if (frame.version < this.version) this.log = []; // of another command at the same address
    this.version = frame.version;
    this.about = frame.about ?? this.about;
    if (frame.keys) {
      const there = new Set(frame.keys);
      for (const key of this.nodes.keys()) {
        if (there.has(key)) continue;
        this.nodes.delete(key);
        change.gone.add(key);
      }
    }
    for (const node of frame.nodes ?? []) {
      const before = this.nodes.get(node.key);
      this.nodes.set(node.key, node);
      change.nodes.add(node.key);
      if (before && !before.waiting && severity(node.worst) < severity(before.worst)) change.worse.push(node);
    }
    for (const event of frame.events ?? []) {
      this.insert(event);
      change.events.push(event);
    }
    return change;
  }

  // insert puts an event where it belongs by the clock of the command's machine, but never
  // before one of the same adapter, whose clock may have been set back.
  insert(event) {
    event.at = Date.parse(event.time);
    let place = this.log.length;
    while (place > 0 && this.log[place - 1].key !== event.key && this.log[place - 1].order > event.order) place--;
    this.log.splice(place, 0, event);
    if (this.log.length > MAX_EVENTS) this.log.shift();
  }
}

// now is the time by the clock of a node, as far as that is known.
export const nowOf = (node) => Date.now() + (node?.aheadMilliseconds ?? 0);

// clocksOf returns what a node has of clocks, the worst first, with what is not answered for.
export function clocksOf(node) {
  const known = node.error ? null : node.state;
  return [...(known?.instances ?? [])].sort((a, b) => severity(a.state) - severity(b.state));
}

// words are those by which a node is found.
export function words(node) {
  if (node.found) return node.found;
  const list = [node.node, node.namespace, node.source, node.worst, node.error, node.state?.overall.reason];
  for (const i of node.state?.instances ?? []) list.push(i.name, i.interface, i.grandmaster, i.state, i.reason, `class ${i.class}`);
  for (const r of node.state?.resources ?? []) list.push(r.instance, r.state);
  node.found = list.filter(Boolean).join(' ').toLowerCase();
  return node.found;
}

// wordsOfEvent are those by which an event is found.
export function wordsOfEvent(event) {
  event.found ??= [event.node, event.instance, event.resource, event.state, event.previous, event.reason, event.type, event.address]
    .filter(Boolean).join(' ').toLowerCase();
  return event.found;
}

// matches is whether a text has every word of a filter.
export function matches(text, filter) {
  return filter.every((word) => text.includes(word));
}

export const filterOf = (text) => text.toLowerCase().split(/\s+/).filter(Boolean);
