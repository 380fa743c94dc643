/**
 * A tree's entries in the order of the walk, with the bytes of its small files, which other threads read meanwhile: to open, read and close tens of thousands of files is half of what
 * capturing them takes, and where they are not in memory, several must be under way for the disk to be busy.
 */
import { READ_AHEAD_BATCH_BYTES, READ_AHEAD_BATCHES, READ_AHEAD_ENTRIES, READ_AHEAD_WORKERS } from '../base/limits.ts';
import { WorkerPool } from '../base/worker-pool.ts';
import type { Pace } from './pace.ts';
import { ReadBatch } from './read-batch.ts';
import type { ReadJob } from './read-worker.ts';
import type { Walked } from './walk.ts';

export interface ReadEntry extends Walked {
  /** When it had not been looked at yet: what is believed of it later depends on that. */
  readonly atMs: number;
  /** Of a small file that was read ahead, until the next entries are asked for. */
  readonly bytes?: Uint8Array;
}

/** A walk's entries with the time of each, for who reads them himself at once. */
export function* unread(tree: Iterable<Walked>): Generator<ReadEntry, void, undefined> {
  let atMs = Date.now();
  for (const entry of tree) {
    yield { ...entry, atMs };
    atMs = Date.now();
  }
}

/** Entries that go through together, and which of the batch's files each is. */
interface Gathered {
  readonly entries: readonly Walked[];
  readonly files: readonly (number | undefined)[];
  readonly atMs: number;
  /** No further file fits. */
  readonly isFull: boolean;
}

/** Small trees are not worth a thread: what does not fill a batch is not read ahead. */
export async function* readAhead(tree: Generator<Walked, void, undefined>, smallFileBytesMax: number, pace: Pace): AsyncGenerator<Iterable<ReadEntry>, void, undefined> {
  const memory = Array.from({ length: READ_AHEAD_BATCHES }, () => new SharedArrayBuffer(READ_AHEAD_BATCH_BYTES));
  const pool = new WorkerPool<ReadJob, void>(new URL('./read-worker', import.meta.url), { workerCount: READ_AHEAD_WORKERS, shared: memory, work: 'reading ahead' });
  const batches = memory.map((shared) => new ReadBatch(shared));
  const underWay: { readonly gathered: Gathered; readonly batch: ReadBatch; readonly done: Promise<unknown> }[] = [];
  let hasBegun = false;
  try {
    for (let next = 0, isAtEnd = false; !isAtEnd || underWay.length > 0; ) {
      while (!isAtEnd && underWay.length < READ_AHEAD_BATCHES) {
        if (pace.due) await pace.turn();
        // Its entries have been taken: they come in the order of the batches.
        const buffer = next % READ_AHEAD_BATCHES;
        const batch = batches[buffer] as ReadBatch;
        batch.clear();
        const gathered = gather(tree, batch, smallFileBytesMax);
        isAtEnd = gathered.entries.length === 0;
        if (isAtEnd) break;
        next += 1;
        hasBegun ||= gathered.isFull;
        // A thread that died read nothing: then it is done here.
        const done = hasBegun && batch.fileCount > 0 ? pool.run({ buffer, fileCount: batch.fileCount }).catch(() => undefined) : Promise.resolve();
        underWay.push({ gathered, batch, done });
      }
      const first = underWay.shift();
      if (first === undefined) return;
      await first.done;
      yield withBytes(first.gathered, first.batch);
    }
  } finally {
    tree.return();
    await pool.close();
  }
}

function gather(tree: Iterator<Walked, void, undefined>, batch: ReadBatch, smallFileBytesMax: number): Gathered {
  const atMs = Date.now();
  const entries: Walked[] = [];
  const files: (number | undefined)[] = [];
  while (entries.length < READ_AHEAD_ENTRIES) {
    const { done, value } = tree.next();
    if (done === true) break;
    const isSmall = value.stat.isFile() && value.stat.size > 0n && value.stat.size <= smallFileBytesMax;
    const file = isSmall ? batch.add(value.path, value.stat) : undefined;
    entries.push(value);
    files.push(file);
    if (isSmall && file === undefined) return { entries, files, atMs, isFull: true };
  }
  return { entries, files, atMs, isFull: entries.length === READ_AHEAD_ENTRIES };
}

function* withBytes({ entries, files, atMs }: Gathered, batch: ReadBatch): Generator<ReadEntry, void, undefined> {
  for (const [index, entry] of entries.entries()) {
    const file = files[index];
    const bytes = file === undefined ? undefined : batch.bytesOf(file);
    yield bytes === undefined ? { ...entry, atMs } : { ...entry, atMs, bytes };
  }
}
