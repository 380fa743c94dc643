/** Runs in a worker thread: walks a tree from where it is told to go on, and reads its small files. See read-ahead.ts. */
import { BranchcastError } from '../base/errors.ts';
import { READ_AHEAD_PROBES } from '../base/limits/trees.ts';
import { serveJobs } from '../base/serve-jobs.ts';
import type { PathKey } from '../manifest/entry.ts';
import { WalkBatch } from './walk-batch.ts';
import { listTree, type Listed } from './walk.ts';

export interface WalkShared {
  readonly memory: readonly SharedArrayBuffer[];
  readonly root: Uint8Array;
  readonly smallFileBytesMax: number;
  readonly waitMicros: number;
}

/**
 * Nothing but to be there; to list what comes after an entry, or all; the next names into one of the shared buffers; to look at the files of those listed there and read them.
 */
export type WalkJob =
  | { readonly kind: 'start' }
  | { readonly kind: 'after'; readonly key: PathKey | undefined }
  | { readonly kind: 'list' | 'read'; readonly buffer: number };

/** Answers whether the disk is waited for: then most files have not been read. */
serveJobs(({ memory, root: bytes, smallFileBytesMax, waitMicros }: WalkShared) => {
  const root = Buffer.from(bytes);
  const batches = memory.map((shared) => new WalkBatch(shared, root, smallFileBytesMax));
  let names: Generator<Listed, void, undefined> | undefined;
  return (job: WalkJob): boolean => {
    if (job.kind === 'after') names = listTree(root, job.key);
    if (job.kind === 'list') {
      // It took the place of a thread that died, and does not know where that one was.
      if (names === undefined) throw new BranchcastError('BC_INTERNAL', 'the thread that walked the tree is gone');
      batches[job.buffer]?.list(names);
    }
    if (job.kind !== 'read') return false;
    const batch = batches[job.buffer] as WalkBatch;
    if (batch.read(READ_AHEAD_PROBES) > waitMicros) return true;
    batch.read();
    return false;
  };
});
