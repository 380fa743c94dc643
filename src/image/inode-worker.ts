/** Runs in a worker thread: looks at, links and removes files. See inode-workers.ts. */
import { serveJobs } from '../base/serve-jobs.ts';
import { rowsOf, unlinkAll, type InodeJob } from './inode-jobs.ts';
import { unpackPaths } from './packed-paths.ts';

serveJobs(() => (job: InodeJob) => (job.kind === 'unlink' ? unlinkAll(unpackPaths(job.paths)) : rowsOf(job).words));
