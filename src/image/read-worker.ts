/** Runs in a worker thread: reads small files into memory that is shared. See read-ahead.ts. */
import { serveJobs } from '../base/serve-jobs.ts';
import { ReadBatch } from './read-batch.ts';

export interface ReadJob {
  /** Which of the shared buffers. */
  readonly buffer: number;
  /** Numbers of files in it: from the first to before the end. */
  readonly first: number;
  readonly end: number;
}

serveJobs((memory: readonly SharedArrayBuffer[]) => {
  const batches = memory.map((shared) => new ReadBatch(shared));
  return ({ buffer, first, end }: ReadJob): number => (batches[buffer] as ReadBatch).read(first, end);
});
