/** Runs in a worker thread: looks at, makes and links files. See inode-workers.ts. */
import { serveJobs } from '../base/serve-jobs.ts';
import { rowsOf, type InodeJob } from './inode-jobs.ts';

serveJobs(() => (job: InodeJob) => rowsOf(job).words);
