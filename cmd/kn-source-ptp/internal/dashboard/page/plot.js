// The offset of a clock over time, with the thresholds that decide over its state.
import { s } from './dom.js';
import { nanoseconds, offset } from './format.js';
import { lookOf } from './states.js';

const EDGE = 15; // pixels above and below, where a text fits

// drawPlot draws samples [milliseconds, nanoseconds], and those that events have told, with the
// state that was told with each. What is beyond the thresholds by far is
// drawn by its logarithm, so that both a spike and what is usual can be seen.
export function drawPlot(samples, told, thresholds, axis, height) {
  const lock = nanoseconds(thresholds?.lockOffset), unlock = nanoseconds(thresholds?.unlockOffset);
  const seen = samples.filter(([at]) => at >= axis.from - 60_000);
  const marks = told.filter(([at]) => at >= axis.from);
  const scale = scaleOf([...seen, ...marks], lock, unlock);
  const y = (value) => height / 2 - scale.of(value) * (height / 2 - EDGE);
  const svg = s('svg', { width: axis.width, height });
  if (lock && scale.of(lock) <= 1) {
    svg.append(s('rect', { class: 'band', x: 0, width: axis.width, y: y(lock), height: y(-lock) - y(lock) }));
  }
  svg.append(...axis.grid(height));
  const line = (value, kind) => {
    for (const v of [value, -value]) svg.append(s('line', { class: kind, x1: 0, x2: axis.width, y1: y(v), y2: y(v) }));
  };
  svg.append(s('line', { class: 'zero', x1: 0, x2: axis.width, y1: y(0), y2: y(0) }));
  if (unlock && scale.of(unlock) <= 1) line(unlock, 'unlock');
  svg.append(...curve(seen, axis, y));
  for (const [at, value, state] of marks) {
    svg.append(s('circle', { class: `told ${lookOf(state)}`, cx: axis.x(at), cy: y(value), r: 4 }, s('title', null, `${offset(value)}, ${state}`)));
  }
  for (const value of scale.ticks) {
    svg.append(s('text', { class: 'tick', x: axis.width - 3, y: y(value) - 3, 'text-anchor': 'end' }, offset(value)));
  }
  if (seen.length + marks.length === 0) {
    svg.append(s('text', { class: 'tick', x: axis.width / 2, y: height / 2 - 4, 'text-anchor': 'middle' }, 'no offset was measured'));
  }
  return svg;
}

// scaleOf maps nanoseconds to -1 … 1.
export function scaleOf(samples, lock, unlock) {
  const most = samples.reduce((m, [, value]) => Math.max(m, Math.abs(value)), 0);
  const room = 1.15;
  const linear = (top, ticks) => ({ of: (v) => v / (top * room), ticks: [...ticks, ...ticks.map((t) => -t)] });
  if (!lock || !unlock) return linear(most || 1, [most || 1]);
  if (most <= lock) return linear(lock, [lock]);
  if (most <= unlock) return linear(unlock, [lock, unlock]);
  const share = 0.5, decades = Math.max(1, Math.log10(most / unlock));
  const of = (v) => {
    const size = Math.abs(v);
    const up = size <= unlock ? (size / unlock) * share : share + (1 - share) * (Math.log10(size / unlock) / decades);
    return Math.sign(v) * up;
  };
  return { of, ticks: [unlock, -unlock, most, -most] };
}

// curve joins samples, and leaves out where there were none for a while.
function curve(samples, axis, y) {
  const steps = samples.slice(1).map(([at], n) => at - samples[n][0]).sort((a, b) => a - b);
  const gap = 4 * (steps[Math.floor(steps.length / 2)] ?? 0) + 1000;
  const parts = [];
  let path = '', before = -Infinity, alone = null;
  for (const [at, value] of samples) {
    const place = `${axis.x(at).toFixed(1)} ${y(value).toFixed(1)}`;
    if (at - before > gap) {
      if (alone) parts.push(alone);
      path += `M${place}`;
      alone = s('circle', { class: 'sample', cx: axis.x(at), cy: y(value), r: 1.5 });
    } else {
      path += `L${place}`;
      alone = null;
    }
    before = at;
  }
  if (alone) parts.push(alone);
  const last = samples[samples.length - 1];
  if (last) parts.push(s('circle', { class: 'newest', cx: axis.x(last[0]), cy: y(last[1]), r: 2.5 }));
  return [s('path', { class: 'curve', d: path }), ...parts];
}
