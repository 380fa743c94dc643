/** A worker that dies of one job. */
import { serveJobs } from '../../../src/base/serve-jobs.ts';

serveJobs(() => (job: string): string => {
  // In a worker thread this ends the thread.
  if (job === 'die') process.exit(1);
  return `did ${job}`;
});
