/** A worker that dies of one job, and says which worker it is after another. */
import { threadId } from 'node:worker_threads';
import { serveJobs } from '../../../src/base/serve-jobs.ts';

serveJobs(() => (job: string): string => {
  // In a worker thread this ends the thread.
  if (job === 'die') process.exit(1);
  if (job === 'wait') {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20);
    return `worker ${threadId}`;
  }
  return `did ${job}`;
});
