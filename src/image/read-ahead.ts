/**
 * A tree's entries in the order of the walk, small files with their bytes if those are there already. A thread of its own walks and reads ahead: looking at 74,000 small files and reading them takes longer than
 * all that a capture makes of them. Who takes the entries does not wait for files to be read, but reads himself what is not. Where the disk is waited for, further threads read: it is
 * faster with several requests at a time. Until it has started, which takes as long as thousands of files do, all that is done here; a small tree needs no thread.
 */
import { READ_AHEAD_BATCHES, READ_AHEAD_WAIT_MICROS, READ_AHEAD_WORKERS } from '../base/limits/trees.ts';
import { WorkerPool } from '../base/worker-pool.ts';
import type { PathKey } from '../manifest/entry.ts';
import type { ReadJob } from './read-worker.ts';
import { WALK_BATCH_BYTES, WalkBatch, type ReadEntry } from './walk-batch.ts';
import type { WalkJob, WalkShared } from './walk-worker.ts';
import { listTree } from './walk.ts';

export interface ReadAheadOptions {
  /** Files of 1 to so many bytes are read; 0 if none are to be. */
  readonly smallFileBytesMax: number;
  /** The disk is waited for where most files take longer than this to open, read and close; READ_AHEAD_WAIT_MICROS unless told. */
  readonly waitMicros?: number;
}

/** Some entries at a time; the bytes of their files are good until the next entry is asked for. Throws what listTree does; taking an entry throws as WalkBatch.entries() does. However it ends, no thread is left. */
export async function* readAhead(root: Buffer, { smallFileBytesMax, waitMicros = READ_AHEAD_WAIT_MICROS }: ReadAheadOptions): AsyncGenerator<Iterable<ReadEntry>, void, undefined> {
  const memory = Array.from({ length: READ_AHEAD_BATCHES }, () => new SharedArrayBuffer(WALK_BATCH_BYTES));
  const batches = memory.map((shared) => new WalkBatch(shared, root, smallFileBytesMax));
  const threads = new WalkThreads({ memory, root, smallFileBytesMax, waitMicros });
  try {
    const [first] = batches as [WalkBatch];
    const names = listTree(root);
    // Until there is a thread, which the second batch is the first reason for.
    for (let batch = 0; !threads.isReady; batch += 1) {
      first.list(names);
      if (first.count === 0) return;
      if (batch === 1) threads.start();
      yield first.entries();
    }
    threads.goOn(first.lastKey());
    for (const buffer of batches.keys()) threads.begin(buffer);
    for (let buffer = 0; ; buffer = (buffer + 1) % batches.length) {
      const batch = batches[buffer] as WalkBatch;
      await threads.listed(buffer);
      if (batch.count === 0) return;
      yield batch.entries();
      await threads.left(buffer);
      threads.begin(buffer);
    }
  } finally {
    await threads.close();
  }
}

interface Begun {
  readonly listed: Promise<unknown>;
  /** No thread reads in it any more. */
  readonly left: Promise<unknown>;
}

class WalkThreads {
  readonly #walker: WorkerPool<WalkJob, boolean>;
  readonly #readers: WorkerPool<ReadJob, number>;
  /** By buffer. */
  readonly #begun: Begun[] = [];
  #isReady = false;

  constructor(shared: WalkShared) {
    this.#walker = new WorkerPool(new URL('./walk-worker', import.meta.url), { workerCount: 1, shared, work: 'walking the tree' });
    this.#readers = new WorkerPool(new URL('./read-worker', import.meta.url), { workerCount: READ_AHEAD_WORKERS, shared, work: 'reading ahead' });
  }

  /** The thread that walks is there. */
  get isReady(): boolean {
    return this.#isReady;
  }

  start(): void {
    // One that cannot be had is done without.
    this.#walker.run({ kind: 'start' }).then(() => (this.#isReady = true), () => undefined);
  }

  /** The names after this entry are to be listed. */
  goOn(after: PathKey): void {
    this.#walker.run({ kind: 'after', key: after }).catch(() => undefined);
  }

  /** The next names into this buffer. */
  begin(buffer: number): void {
    const listed = this.#walker.run({ kind: 'list', buffer });
    listed.catch(() => undefined);
    this.#begun[buffer] = { listed, left: this.#read(buffer) };
  }

  async listed(buffer: number): Promise<void> {
    await this.#begun[buffer]?.listed;
  }

  async left(buffer: number): Promise<void> {
    await this.#begun[buffer]?.left;
  }

  async close(): Promise<void> {
    await Promise.all([this.#walker.close(), this.#readers.close()]);
  }

  /** What a thread that died has not read is read by who takes it. */
  async #read(buffer: number): Promise<void> {
    try {
      const isWaitedFor = await this.#walker.run({ kind: 'read', buffer });
      if (isWaitedFor) await Promise.all(Array.from({ length: READ_AHEAD_WORKERS }, () => this.#readers.run({ buffer })));
    } catch {
      // Nothing is lost: whatever is wrong is met again in its turn.
    }
  }
}
