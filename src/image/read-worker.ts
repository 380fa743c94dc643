/** Runs in a worker thread: reads small files of a batch that another thread has listed. See read-ahead.ts. */
import { serveJobs } from '../base/serve-jobs.ts';
import { WalkBatch } from './walk-batch.ts';
import type { WalkShared } from './walk-worker.ts';

export interface ReadJob {
  /** Which of the shared ones. */
  readonly buffer: number;
}

serveJobs(({ memory, root, smallFileBytesMax }: WalkShared) => {
  const batches = memory.map((shared) => new WalkBatch(shared, Buffer.from(root), smallFileBytesMax));
  return ({ buffer }: ReadJob): number => (batches[buffer] as WalkBatch).read();
});
