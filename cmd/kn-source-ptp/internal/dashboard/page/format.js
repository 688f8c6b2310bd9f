// Times, durations and offsets, for people.

const two = (n) => String(n).padStart(2, '0');

const day = (d) => `${d.getFullYear()}-${two(d.getMonth() + 1)}-${two(d.getDate())}`;

// clockTime is a time in the zone of the browser, to the millisecond; with the day where it is
// another one.
export function clockTime(at, now = Date.now()) {
  const d = new Date(at);
  const time = `${two(d.getHours())}:${two(d.getMinutes())}:${two(d.getSeconds())}.${String(d.getMilliseconds()).padStart(3, '0')}`;
  return day(d) === day(new Date(now)) ? time : `${day(d).slice(5)} ${time}`;
}

// tickTime is a time on an axis with ticks so many milliseconds apart.
export function tickTime(at, apart) {
  const d = new Date(at);
  if (apart >= 86_400_000) return day(d).slice(5);
  const time = `${two(d.getHours())}:${two(d.getMinutes())}`;
  return apart < 60_000 ? `${time}:${two(d.getSeconds())}` : time;
}

// age is how long something has been, as kubectl has it: the longer, the coarser.
export function age(milliseconds) {
  const s = Math.max(0, Math.floor(milliseconds / 1000));
  const m = Math.floor(s / 60), hours = Math.floor(s / 3600), days = Math.floor(hours / 24);
  const pair = (big, unit, small, rest) => (small ? `${big}${unit}${small}${rest}` : `${big}${unit}`);
  if (s < 120) return `${s}s`;
  if (m < 10) return pair(m, 'm', s % 60, 's');
  if (m < 180) return `${m}m`;
  if (hours < 8) return pair(hours, 'h', m % 60, 'm');
  if (hours < 48) return `${hours}h`;
  if (days < 8) return pair(days, 'd', hours % 24, 'h');
  return `${days}d`;
}

// offset is a number of nanoseconds with a sign and the unit that suits it.
export function offset(nanoseconds) {
  const n = Number(nanoseconds), size = Math.abs(n);
  const sign = n < 0 ? '−' : n > 0 ? '+' : '';
  for (const [unit, of] of [['s', 1e9], ['ms', 1e6], ['µs', 1e3]]) {
    if (size >= of) return `${sign}${(size / of).toPrecision(Math.max(3, String(Math.floor(size / of)).length))} ${unit}`;
  }
  return `${sign}${size} ns`;
}

// nanoseconds reads a duration as Go writes it, such as 100ns, 1.5µs or 1m0s.
export function nanoseconds(text) {
  const units = { ns: 1, us: 1e3, 'µs': 1e3, 'μs': 1e3, ms: 1e6, s: 1e9, m: 60e9, h: 3600e9 };
  let sum = 0;
  for (const [, number, unit] of String(text ?? '').matchAll(/([\d.]+)(ns|us|µs|μs|ms|s|m|h)/g)) sum += Number(number) * units[unit];
  return sum;
}

const collator = new Intl.Collator('en', { numeric: true });

// byName orders n2 before n10.
export const byName = (a, b) => collator.compare(a, b);
