// The stream of frames from the command on this machine. The browser connects again by
// itself, and says which version it has.

// follow calls each with every frame, and status with 'live', 'connecting' or 'ended'.
export function follow(each, status) {
  const source = new EventSource('stream');
  source.onopen = () => status('live');
  source.onmessage = (message) => each(JSON.parse(message.data));
  source.onerror = () => status(source.readyState === EventSource.CLOSED ? 'ended' : 'connecting');
}
