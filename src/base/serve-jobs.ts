/** A worker thread's side of worker-pool.ts. */
import { parentPort, workerData } from 'node:worker_threads';
import { asBranchcastError } from './errors.ts';
import type { Posted, PostedAnswer } from './worker-pool.ts';

/** Until the pool says that it is the end: answers every job with what `work` makes of it; what it throws goes back as an error. `prepare` is called once, with the pool's `shared`. */
export function serveJobs(prepare: (shared: never) => (job: never) => unknown): void {
  const port = parentPort;
  if (port === null) throw new Error('this file runs in a worker thread only');
  const work = prepare(workerData as never);
  port.on('message', (posted: Posted<never>) => {
    if (posted === 'end') port.close();
    else port.postMessage(answerTo(posted.id, () => work(posted.job)), []);
  });
}

function answerTo(id: number, work: () => unknown): PostedAnswer<unknown> {
  try {
    return { id, answer: work() };
  } catch (thrown) {
    const { code, message, details } = asBranchcastError(thrown);
    return { id, error: { code, message, details } };
  }
}
