/**
 * A tree's entries in the order of the walk; where the disk is waited for, with the bytes of its small files, which other threads read meanwhile: it is faster with several requests at a time.
 * Files that are in memory are read in their turn: on threads they take more than twice the processor time, and half as long again.
 */
import { READ_AHEAD_BATCH_BYTES, READ_AHEAD_BATCHES, READ_AHEAD_ENTRIES, READ_AHEAD_PROBES, READ_AHEAD_WAIT_MICROS, READ_AHEAD_WORKERS } from '../base/limits/trees.ts';
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
}

export interface ReadAheadOptions {
  readonly smallFileBytesMax: number;
  readonly pace: Pace;
  /** The disk is waited for where most files take longer than this to open, read and close; READ_AHEAD_WAIT_MICROS unless told. */
  readonly waitMicros?: number;
}

/** The signal of `pace` ends it. */
export async function* readAhead(tree: Generator<Walked, void, undefined>, { smallFileBytesMax, pace, waitMicros = READ_AHEAD_WAIT_MICROS }: ReadAheadOptions): AsyncGenerator<Iterable<ReadEntry>, void, undefined> {
  const ring = new BatchRing(tree, smallFileBytesMax, waitMicros);
  try {
    for (;;) {
      while (ring.wantsMore) {
        if (pace.due) await pace.turn();
        ring.begin();
      }
      const oldest = ring.takeOldest();
      if (oldest === undefined) return;
      await oldest.done;
      yield withBytes(oldest.gathered, oldest.batch);
    }
  } finally {
    tree.return();
    await ring.close();
  }
}

interface Begun {
  readonly gathered: Gathered;
  readonly batch: ReadBatch;
  /** Its files have been read, or will not be. */
  readonly done: Promise<unknown>;
}

/** Batches are taken in the order in which they were begun, and the next one begins where the one was that was taken longest ago. */
class BatchRing {
  readonly #tree: Iterator<Walked, void, undefined>;
  readonly #smallFileBytesMax: number;
  readonly #waitMicros: number;
  readonly #batches: readonly ReadBatch[];
  readonly #pool: WorkerPool<ReadJob, number>;
  readonly #begun: Begun[] = [];
  #next = 0;
  #isAtEnd = false;
  /** The disk was waited for where files were read last. */
  #hasWaited = false;

  constructor(tree: Iterator<Walked, void, undefined>, smallFileBytesMax: number, waitMicros: number) {
    const memory = Array.from({ length: READ_AHEAD_BATCHES }, () => new SharedArrayBuffer(READ_AHEAD_BATCH_BYTES));
    this.#tree = tree;
    this.#smallFileBytesMax = smallFileBytesMax;
    this.#waitMicros = waitMicros;
    this.#batches = memory.map((shared) => new ReadBatch(shared));
    this.#pool = new WorkerPool(new URL('./read-worker', import.meta.url), { workerCount: READ_AHEAD_WORKERS, shared: memory, work: 'reading ahead' });
  }

  /** What no thread reads is taken at once. */
  get wantsMore(): boolean {
    return !this.#isAtEnd && this.#begun.length < (this.#hasWaited ? READ_AHEAD_BATCHES : 1);
  }

  /** Lists a batch, and has threads read it if that is worth it. */
  begin(): void {
    const buffer = this.#next % READ_AHEAD_BATCHES;
    const batch = this.#batches[buffer] as ReadBatch;
    batch.clear();
    const gathered = gather(this.#tree, batch, this.#smallFileBytesMax);
    this.#isAtEnd = gathered.entries.length === 0;
    if (this.#isAtEnd) return;
    this.#next += 1;
    const first = this.#hasWaited ? 0 : this.#probe(batch);
    const end = batch.fileCount;
    const done = this.#hasWaited && first < end ? this.#readElsewhere({ buffer, first, end }) : Promise.resolve();
    this.#begun.push({ gathered, batch, done });
  }

  takeOldest(): Begun | undefined {
    return this.#begun.shift();
  }

  close(): Promise<void> {
    return this.#pool.close();
  }

  /** Reads the first files here. Answers how many they were. */
  #probe(batch: ReadBatch): number {
    const count = Math.min(batch.fileCount, READ_AHEAD_PROBES);
    if (count > 0) this.#note(batch.read(0, count));
    return count;
  }

  async #readElsewhere(job: ReadJob): Promise<void> {
    try {
      this.#note(await this.#pool.run(job));
    } catch {
      // A thread that died read nothing: then it is done in its turn.
    }
  }

  #note(micros: number): void {
    this.#hasWaited = micros > this.#waitMicros;
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
    if (isSmall && file === undefined) break;
  }
  return { entries, files, atMs };
}

function* withBytes({ entries, files, atMs }: Gathered, batch: ReadBatch): Generator<ReadEntry, void, undefined> {
  for (const [index, entry] of entries.entries()) {
    const file = files[index];
    const bytes = file === undefined ? undefined : batch.bytesOf(file);
    yield bytes === undefined ? { ...entry, atMs } : { ...entry, atMs, bytes };
  }
}
