// What states look like. Each has a letter and a shape besides its colour.
import { h } from './dom.js';

// The worst first, as `status` has it: what is not known may be anything.
export const STATES = ['FREERUN', 'UNKNOWN', 'HOLDOVER', 'LOCKED'];

const looks = {
  FREERUN: { look: 'freerun', letter: 'F', meaning: 'not synchronised, or too far off' },
  UNKNOWN: { look: 'unknown', letter: '?', meaning: 'nothing is known: the adapter does not answer, or has decided nothing yet' },
  HOLDOVER: { look: 'holdover', letter: 'H', meaning: 'the source is lost, the clock runs on by itself' },
  LOCKED: { look: 'locked', letter: 'L', meaning: 'synchronised' },
  // Receivers, daemons, ports and paths have states of their own.
  SYNCHRONIZED: { look: 'locked', letter: 'S' },
  'ACQUIRING-SYNC': { look: 'holdover', letter: 'A' },
  UP: { look: 'locked', letter: 'U' },
  DOWN: { look: 'freerun', letter: '!' },
  'IN-RANGE': { look: 'locked', letter: 'I' },
  'OUT-OF-RANGE': { look: 'freerun', letter: '!' },
  SLAVE: { look: 'locked', letter: 'S' },
  UNCALIBRATED: { look: 'holdover', letter: 'U' },
  LISTENING: { look: 'holdover', letter: 'L' },
  FAULTY: { look: 'freerun', letter: '!' },
};
const FAILED = { look: 'freerun', letter: '!' }, VALUE = { look: 'value', letter: '' };

// of returns how a state looks. What is not known is a value, and neither good nor bad.
const of = (state) => looks[state] ?? (/^(FAILURE|ANTENNA)-/.test(state) ? FAILED : VALUE);

export const lookOf = (state) => of(state).look;
export const letterOf = (state) => of(state).letter;
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
