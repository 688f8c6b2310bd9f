// An axis of time: from the left to the right edge of what is drawn.
import { s } from './dom.js';
import { tickTime } from './format.js';

const SECOND = 1000, MINUTE = 60 * SECOND, HOUR = 60 * MINUTE, DAY = 24 * HOUR;
const STEPS = [SECOND, 5 * SECOND, 15 * SECOND, 30 * SECOND, MINUTE, 5 * MINUTE, 10 * MINUTE, 15 * MINUTE, 30 * MINUTE,
  HOUR, 2 * HOUR, 3 * HOUR, 6 * HOUR, 12 * HOUR, DAY, 2 * DAY, 7 * DAY];

export class Axis {
  constructor(from, to, width) {
    Object.assign(this, { from, to, width });
    const most = Math.max(2, width / 80);
    this.step = STEPS.find((step) => (to - from) / step <= most) ?? 7 * DAY;
    const zone = new Date(to).getTimezoneOffset() * MINUTE; // ticks are at full hours of the day that is lived
    this.ticks = [];
    for (let t = Math.ceil((from - zone) / this.step) * this.step + zone; t <= to; t += this.step) this.ticks.push(t);
  }

  x(at) { return ((at - this.from) / (this.to - this.from)) * this.width; }
  at(x) { return this.from + (x / this.width) * (this.to - this.from); }

  // grid returns lines at the ticks.
  grid(height) {
    return this.ticks.map((t) => s('line', { class: 'grid', x1: this.x(t), x2: this.x(t), y1: 0, y2: height }));
  }

  // labels returns the times of the ticks.
  labels() {
    return this.ticks.map((t) => {
      const x = this.x(t);
      const anchor = x < 24 ? 'start' : x > this.width - 24 ? 'end' : 'middle';
      return s('text', { class: 'tick', x: anchor === 'start' ? Math.max(0, x) : x, y: 12, 'text-anchor': anchor }, tickTime(t, this.step));
    });
  }
}
