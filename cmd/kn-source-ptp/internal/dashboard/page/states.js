// What states look like. Each has a letter and a shape besides its colour.
import { h } from './dom.js';

// The worst first, as `status` has it: what is not known may be anything.
export const STATES = ['FREERUN', 'UNKNOWN', 'HOLDOVER', 'LOCKED'];

const looks = {
  FREERUN: { look: 'freerun', letter: 'F', meaning: 'not synchronised, or too far off' },
  UNKNOWN: { look: 'unknown', letter: '?', meaning: 'nothing is known: the adapter does not answer, or has decided nothing yet' },
  HOLDOVER: { look: 'holdover', letter: 'H', meaning: 'the source is lost, the clock runs on by itself' },
  LOCKED: { look: 'locked', letter: 'L', meaning: 'synchronised' },
  // GNSS receivers have states of their own.
  SYNCHRONIZED: { look: 'locked', letter: 'S' },
  'ACQUIRING-SYNC': { look: 'holdover', letter: 'A' },
};

// lookOf returns the name of a state's look. A word that is no state of a clock is that of a
// receiver that has failed; a number is a value, and neither good nor bad.
export function lookOf(state) {
  if (looks[state]) return looks[state].look;
  return /^[A-Z]/.test(state) ? 'freerun' : 'value';
}

export const letterOf = (state) => looks[state]?.letter ?? (/^[A-Z]/.test(state) ? '!' : '');
export const meaningOf = (state) => looks[state]?.meaning ?? '';

// severity is 0 for the worst.
export function severity(state) {
  const place = STATES.indexOf(state);
  return place < 0 ? 1 : place;
}

// badge is the sign of a state, for those who see it.
export function badge(state) {
  return setBadge(h('span', { 'aria-hidden': 'true' }), state);
}

export function setBadge(element, state) {
  if (element.state === state) return element;
  element.state = state;
  element.className = `badge ${lookOf(state)}`;
  element.textContent = letterOf(state);
  return element;
}
