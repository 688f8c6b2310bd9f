// What becomes worse is said to those who cannot see it: not more often than every few
// seconds, and in few words, whatever happens.

const EVERY = 5000, FEW = 3;
let waiting = new Map(), timer = 0;

export function announceWorse(nodes) {
  for (const node of nodes) waiting.set(node.key, `${node.node} is ${node.worst.toLowerCase()}`);
  if (waiting.size > 0 && !timer) timer = setTimeout(say, 300);
}

function say() {
  if (waiting.size === 0) {
    timer = 0;
    return;
  }
  const list = [...waiting.values()];
  waiting = new Map();
  document.getElementById('said').textContent = list.length > FEW ? `${list.slice(0, FEW).join(', ')} and ${list.length - FEW} more` : list.join(', ');
  timer = setTimeout(say, EVERY);
}
