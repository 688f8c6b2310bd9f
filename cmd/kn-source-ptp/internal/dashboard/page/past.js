// What a node's clocks were, when: lanes of segments, made of its events.

// From above to below.
const ORDER = [
  'sync-status/sync-state', 'sync-status/os-clock-sync-state', 'ptp-status/lock-state', 'ptp-status/clock-class',
  'ptp-status/daemon-state', 'ptp-status/port-state', 'ptp-status/grandmaster', 'ptp-status/path-delay-state', 'ptp-status/leap-second',
  'gnss-status/gnss-sync-status', 'synce-status/lock-state', 'synce-status/clock-quality',
];
// What a node says of these, and why, is elsewhere in its state.
const EXPLAINED = ORDER.slice(0, 4);
// Every one of these is an event, and no state that lasts.
const MOMENTS = ['sync-status/os-clock-set', 'ptp-status/hardware-clock-set', 'eventing-ptp/events-lost', 'eventing-ptp/test'];
const TEST = 'com.github.eventing-ptp.test'; // the type of events that tell nothing of what they are about

const rank = (resource) => (ORDER.indexOf(resource) + ORDER.length + 1) % (ORDER.length + 1);

// lanesOf returns a lane for each resource and instance: its name, and either segments
// {from, to, state, reason} or moments {at, state}. What a node says of itself now is true
// also where no event tells of it.
export function lanesOf(events, node, now) {
  const lanes = new Map();
  const lane = (resource, instance) => {
    const key = `${resource} ${instance ?? ''}`;
    if (!lanes.has(key)) lanes.set(key, { resource, instance: instance ?? '', name: nameOf(resource, instance), segments: [], moments: [] });
    return lanes.get(key);
  };
  for (const event of events) {
    const l = event.type === TEST ? lane('eventing-ptp/test') : lane(event.resource, event.instance);
    if (MOMENTS.includes(l.resource)) {
      l.moments.push({ at: event.at, state: event.state, event });
      continue;
    }
    const last = l.segments[l.segments.length - 1];
    if (last) {
      if (last.state === event.state) continue; // said again
      last.to = event.at;
    } else if (event.previous) {
      l.segments.push({ from: -Infinity, to: event.at, state: event.previous, reason: '' });
    }
    l.segments.push({ from: event.at, to: now, state: event.state, reason: event.reason ?? '' });
  }
  for (const [resource, instance, condition] of presentOf(node)) {
    const l = lane(resource, instance), last = l.segments[l.segments.length - 1];
    if (last?.state === condition.state) continue;
    const since = condition.since ? Date.parse(condition.since) : last ? last.from : -Infinity;
    if (last && since <= last.from) continue; // the event is newer than what was said
    if (last) last.to = since;
    l.segments.push({ from: since, to: now, state: condition.state, reason: condition.reason ?? '' });
  }
  if (node?.error) { // nobody knows what became of it
    const heard = node.heard ? Date.parse(node.heard) + (node.aheadMilliseconds ?? 0) : -Infinity;
    for (const l of lanes.values()) {
      const last = l.segments[l.segments.length - 1];
      if (!last || last.from > heard) continue;
      last.to = heard;
      l.segments.push({ from: heard, to: now, state: 'UNKNOWN', reason: node.error });
    }
  }
  return [...lanes.values()].sort((a, b) => rank(a.resource) - rank(b.resource) || (a.instance < b.instance ? -1 : 1));
}

function presentOf(node) {
  const state = node?.state;
  if (!state || node.error) return [];
  const all = [['sync-status/sync-state', '', state.overall]];
  if (state.osClock) all.push(['sync-status/os-clock-sync-state', '', state.osClock]);
  for (const i of state.instances) {
    all.push(['ptp-status/lock-state', i.name, i]);
    if (i.class) all.push(['ptp-status/clock-class', i.name, { state: i.class }]);
  }
  return [...all, ...othersOf(state)].filter(([, , condition]) => condition.state !== 'UNKNOWN');
}

// othersOf returns what else a node says of itself: [resource, instance, condition].
export function othersOf(state) {
  return (state?.resources ?? []).map((r) => [r.address.slice(r.address.indexOf('/sync/') + '/sync/'.length), r.instance ?? '', r])
    .filter(([resource]) => !EXPLAINED.includes(resource));
}

export function nameOf(resource, instance) {
  let name = resource.split('/').pop();
  if (resource.startsWith('synce-status/') && name === 'lock-state') name = 'synce lock-state';
  return instance ? `${name} ${instance}` : name;
}

// titleOf names what an event is about; without its instance that is its kind.
export const kindOf = (event) => (event.type === TEST ? 'test' : nameOf(event.resource, ''));
export const titleOf = (event) => (event.type === TEST ? 'test' : nameOf(event.resource, event.instance));

// stateAt is the segment of a lane at a time.
export function stateAt(lane, at) {
  return lane.segments.findLast((segment) => segment.from <= at && at <= segment.to);
}
