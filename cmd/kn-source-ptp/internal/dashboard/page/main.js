// The page: one stream, two views. Where one is, is in the fragment of the address.
import { announceWorse } from './announce.js';
import { h, setText } from './dom.js';
import { NodeView } from './node.js';
import { Overview } from './overview.js';
import { render } from './render.js';
import { badge, lookOf, meaningOf, STATES } from './states.js';
import { Store } from './store.js';
import { follow } from './stream.js';

const at = (id) => document.getElementById(id);
const store = new Store();
const overview = new Overview(store, (event) => open(event.key));
let view = overview, only = '', lastKey = '';

const open = (key) => { location.hash = `#/node/${encodeURIComponent(key)}`; };

// The summary, in which each part is a filter.
const chips = [...STATES, 'silent'].map((state) => {
  const number = h('b', null, '0');
  const button = h('button', { type: 'button', class: `chip ${state === 'silent' ? 'silent' : lookOf(state)}`, 'aria-pressed': 'false' },
    state === 'silent' ? null : badge(state), number, state === 'silent' ? ' silent' : ` ${state.toLowerCase()}`);
  button.addEventListener('click', () => {
    only = only === state ? '' : state;
    if (view !== overview) location.hash = '#';
    find();
  });
  at('chips').append(button);
  return { state, button, number };
});

function summarize() {
  const sum = { LOCKED: 0, HOLDOVER: 0, FREERUN: 0, UNKNOWN: 0, silent: 0 };
  let waiting = 0;
  for (const node of store.nodes.values()) {
    if (!overview.includes(node)) continue;
    sum.LOCKED += node.counts.locked;
    sum.HOLDOVER += node.counts.holdover;
    sum.FREERUN += node.counts.freerun;
    sum.UNKNOWN += node.counts.unknown;
    if (node.error) sum.silent++;
    if (node.waiting) waiting++;
  }
  for (const { state, button, number } of chips) {
    setText(number, String(sum[state]));
    button.classList.toggle('zero', sum[state] === 0);
    button.setAttribute('aria-pressed', String(only === state));
    if (state === 'silent') button.hidden = sum.silent === 0 && only !== 'silent';
  }
  const bad = sum.FREERUN + sum.HOLDOVER + sum.UNKNOWN;
  const total = bad + sum.LOCKED;
  const title = bad > 0 ? `${bad} of ${total} not locked` : `${total} locked`;
  document.title = `${waiting > 0 ? '… ' : bad > 0 ? '⚠ ' : ''}${title} – PTP clocks`;
}

function find() {
  overview.find(at('find').value, only);
  view.filtered?.(at('find').value);
  render('summary', summarize);
}

// What is shown, by the address.
function route() {
  const key = location.hash.startsWith('#/node/') ? decodeURIComponent(location.hash.slice('#/node/'.length)) : '';
  if (view.key === key) return;
  if (view !== overview) view.close();
  view = key ? new NodeView(store, key) : overview;
  at('main').replaceChildren(view.element);
  document.body.classList.toggle('one', Boolean(key));
  if (key) {
    lastKey = key;
    view.focus();
    scrollTo(0, 0);
  } else {
    overview.showEvents();
    overview.focus(lastKey);
  }
}

addEventListener('hashchange', route);
at('find').addEventListener('input', find);
at('help-open').addEventListener('click', () => at('help').showModal());
at('legend').append(...STATES.map((state) => h('li', null, badge(state), h('b', null, state.toLowerCase()), ` ${meaningOf(state)}`)));

addEventListener('keydown', (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey || at('help').open) return;
  const typing = event.target.matches('input, select, textarea');
  if (event.key === 'Escape') {
    escape(event.target, typing);
  } else if (!typing && event.key === '/') {
    event.preventDefault();
    at('find').focus();
    at('find').select();
  } else if (!typing && event.key === '?') {
    at('help').showModal();
  }
});

// Escape undoes one thing at a time: a text, a chosen state, an open node.
function escape(target, typing) {
  if (typing && target.value && target.matches('input')) {
    target.value = '';
    target.dispatchEvent(new Event('input'));
  } else if (target === at('find')) {
    view.focus();
  } else if (only) {
    only = '';
    find();
  } else if (view !== overview) {
    location.hash = '#';
  } else if (at('find').value) {
    at('find').value = '';
    find();
  }
}

function status(now) {
  const link = at('link');
  setText(link, { live: 'live', connecting: 'connecting', ended: 'ended' }[now]);
  link.className = `link ${now}`;
  document.body.classList.toggle('stale', now !== 'live');
  const alarm = at('alarm');
  alarm.hidden = now === 'live' || store.version === 0;
  setText(alarm, now === 'live' ? '' : 'Nothing new is shown: `kn source ptp dashboard` does not answer. It may have ended.');
  if (now === 'live') view.reconnected?.();
}

follow((frame) => {
  const change = store.apply(frame);
  setText(at('scope'), store.about?.scope ?? '');
  overview.change(change);
  if (view !== overview) view.change(change);
  announceWorse(change.worse);
  if (change.nodes.size > 0 || change.gone.size > 0) {
    if (document.hidden) summarize(); // nothing is drawn then, but the title of a tab is seen
    else render('summary', summarize);
  }
}, status);

at('main').replaceChildren(overview.element);
route();
