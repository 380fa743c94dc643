/** Runs in a worker thread: makes and verifies frames that stand in shared memory. See frame-workers.ts. */
import { constants, setPriority } from 'node:os';
import { serveJobs } from '../base/serve-jobs.ts';
import { verifyFrame } from './frame-decode.ts';
import { encodeFrameInPlace } from './frame-encode.ts';
import type { ChunkLength } from './chunk-table.ts';

/** `buffer` says in which of the shared buffers, from its start on: the chunks of `table`, or the frame to verify. */
export type FrameJob =
  | { readonly kind: 'encode'; readonly buffer: number; readonly table: readonly ChunkLength[]; readonly level: number }
  | { readonly kind: 'verify'; readonly buffer: number; readonly bytes: number };

export interface FrameShared {
  readonly memory: readonly SharedArrayBuffer[];
  /** It runs when nobody else wants the processor. */
  readonly yields: boolean;
}

/** Answers the length of the frame, which stands where its chunks stood, or where it was. */
serveJobs(({ memory, yields }: FrameShared) => {
  // Of this thread: Linux takes 0 for the calling thread, setpriority(2).
  if (yields) setPriority(0, constants.priority.PRIORITY_LOW);
  const buffers = memory.map((shared) => new Uint8Array(shared));
  return (job: FrameJob): number => {
    const buffer = buffers[job.buffer] as Uint8Array;
    if (job.kind === 'encode') return encodeFrameInPlace(buffer, job.table, { level: job.level });
    verifyFrame(buffer.subarray(0, job.bytes));
    return job.bytes;
  };
});
