/**
 * A tree's entries in the order of the walk, small files with their bytes if those are there already. A thread of its own walks and reads ahead: looking at 74,000 small files and reading them takes longer than
 * all that a capture makes of them. Who takes the entries does not wait for files to be read, but reads himself what is not. Where the disk is waited for, further threads read: it is
 * faster with several requests at a time. Until it has started, which takes as long as thousands of files do, all that is done here, and a
 * small tree needs no thread; unless it was told to begin ahead of time.
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

export class ReadAhead {
  readonly #root: Buffer;
  readonly #batches: readonly WalkBatch[];
  readonly #threads: WalkThreads;
  #begun: Promise<boolean> | undefined;

  /** Of the tree at `root`; does nothing yet. */
  constructor(root: Buffer, { smallFileBytesMax, waitMicros = READ_AHEAD_WAIT_MICROS }: ReadAheadOptions) {
    const memory = Array.from({ length: READ_AHEAD_BATCHES }, () => new SharedArrayBuffer(WALK_BATCH_BYTES));
    this.#root = root;
    this.#batches = memory.map((shared) => new WalkBatch(shared, root, smallFileBytesMax));
    this.#threads = new WalkThreads({ memory, root, smallFileBytesMax, waitMicros });
  }

  /** The thread starts now, before anybody takes an entry, and walks as far as there is memory: for who has something else to do first. */
  begin(): void {
    this.#begun = this.#goOn(undefined);
  }

  /** Once. Some entries at a time; the bytes of their files are good until the next entry is asked for. Throws what listTree does; taking an entry throws as WalkBatch.entries() does. However it ends, no thread is left. */
  async *entries(): AsyncGenerator<Iterable<ReadEntry>, void, undefined> {
    try {
      if (!((await this.#begun) ?? false)) {
        const { isWhole, lastKey } = yield* this.#untilThereIsAThread();
        if (isWhole) return;
        void this.#goOn(lastKey);
      }
      for (let buffer = 0; ; buffer = (buffer + 1) % this.#batches.length) {
        const batch = this.#batches[buffer] as WalkBatch;
        await this.#threads.listed(buffer);
        if (batch.count === 0) return;
        yield batch.entries();
        await this.#threads.left(buffer);
        this.#threads.begin(buffer);
      }
    } finally {
      await this.close();
    }
  }

  /** Ends the threads; for who began and takes no entry after all. May be called twice. */
  close(): Promise<void> {
    return this.#threads.close();
  }

  /** The second batch is the first reason for one. */
  async *#untilThereIsAThread(): AsyncGenerator<Iterable<ReadEntry>, { readonly isWhole: boolean; readonly lastKey: PathKey | undefined }, undefined> {
    const [batch] = this.#batches as [WalkBatch];
    const names = listTree(this.#root);
    for (let count = 0; !this.#threads.isReady; count += 1) {
      batch.list(names);
      if (batch.count === 0) return { isWhole: true, lastKey: undefined };
      if (count === 1) this.#threads.start();
      yield batch.entries();
    }
    return { isWhole: false, lastKey: batch.lastKey() };
  }

  /** The thread walks from there, into all buffers. False if it cannot be had. */
  #goOn(after: PathKey | undefined): Promise<boolean> {
    const isThere = this.#threads.goOn(after);
    for (const buffer of this.#batches.keys()) this.#threads.begin(buffer);
    return isThere;
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

  /** The names after this entry are to be listed, or all. False if there is no thread that could. */
  goOn(after: PathKey | undefined): Promise<boolean> {
    return this.#walker.run({ kind: 'after', key: after }).then(() => true, () => false);
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
