// Work on the page, done before the next frame is shown, in slices that leave the frame its
// time: whatever comes, keys and scrolling are answered.

const SLICE = 8; // milliseconds of each frame
const jobs = new Map();
let scheduled = false;

// render has a job done before the next frame. There is one of each name; the job gets a
// function that says whether there is time left, and returns true when it has more to do.
export function render(name, job) {
  jobs.set(name, job);
  if (scheduled) return;
  scheduled = true;
  requestAnimationFrame(run);
}

function run() {
  const began = performance.now();
  const hasTime = () => performance.now() - began < SLICE;
  const now = [...jobs];
  jobs.clear();
  scheduled = false;
  for (const [name, job] of now) {
    if (job(hasTime) && !jobs.has(name)) jobs.set(name, job);
  }
  if (jobs.size > 0 && !scheduled) {
    scheduled = true;
    requestAnimationFrame(run);
  }
}
