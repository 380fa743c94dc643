/**
 * One fetch per chunk (single-flight): whoever wants a chunk that is already on its way waits for that fetch. What arrives
 * goes to the store, and waiters read it there: a waiter costs a promise, never the bytes, so slow readers cannot
 * make memory grow.
 */
import { asBranchcastError, BranchcastError, hasCode, throwIfAborted } from '../base/errors.ts';
import { freeBytes } from '../base/free-bytes.ts';
import { FETCH_BATCH_DIGESTS_MAX, FETCH_BATCHES_MAX, FETCH_PUTS_MAX, FETCH_QUEUE_DIGESTS_MAX } from '../base/limits/fetching.ts';
import type { Digest } from '../chunking/digest.ts';
import type { ChunkStore } from '../store/chunk-store.ts';
import { parseFrameHeader } from '../store/frame-header.ts';
import type { ChunkSource } from './chunk-source.ts';

/** What became of one wanted chunk. */
export type Arrival = 'stored' | 'missing';

interface Flight {
  readonly promise: Promise<Arrival>;
  readonly settle: (arrival: Arrival) => void;
  readonly fail: (error: BranchcastError) => void;
}

export interface FetchOnceEvents {
  /** A frame came and was kept. */
  onFrame?(frameBytes: number, newStoredBytes: number): void;
  /** The source sent bytes that are not what their digest says. */
  onCorrupt?(error: BranchcastError): void;
}

export class FetchOnce {
  readonly #store: ChunkStore;
  readonly #source: ChunkSource;
  readonly #events: FetchOnceEvents;
  readonly #abort = new AbortController();
  readonly #flights = new Map<Digest, Flight>();
  /** Wanted and not yet asked for, in the order of the wants. */
  readonly #queue = new Set<Digest>();
  #batchCount = 0;
  #idle = Promise.withResolvers<void>();

  constructor(store: ChunkStore, source: ChunkSource, events: FetchOnceEvents = {}) {
    this.#store = store;
    this.#source = source;
    this.#events = events;
    this.#idle.resolve();
  }

  /** Chunks wanted or under way now. */
  get pendingCount(): number {
    return this.#flights.size;
  }

  /**
   * For each digest, in order, a promise of its arrival in the store. Chunks that are stored already answer at once. A
   * promise rejects with the source's error; the next call tries again. BC_BUSY if the queue is full.
   */
  want(digests: readonly Digest[]): Promise<Arrival>[] {
    throwIfAborted(this.#abort.signal);
    const stored = this.#store.has(digests);
    const arrivals = digests.map((digest, index) => (stored[index] === true ? Promise.resolve<Arrival>('stored') : this.#join(digest)));
    // A waiter may have gone by the time a fetch fails; that is no uncaught error.
    for (const arrival of arrivals) arrival.catch(() => undefined);
    this.#pump();
    return arrivals;
  }

  /** Ends fetches under way; their waiters get BC_CANCELLED. */
  async close(): Promise<void> {
    this.#abort.abort(new BranchcastError('BC_CANCELLED', 'the reflector is shutting down'));
    for (const flight of this.#flights.values()) flight.fail(new BranchcastError('BC_CANCELLED', 'the reflector is shutting down'));
    this.#flights.clear();
    this.#queue.clear();
    await this.#idle.promise;
  }

  #join(digest: Digest): Promise<Arrival> {
    const underway = this.#flights.get(digest);
    if (underway !== undefined) return underway.promise;
    if (this.#flights.size >= FETCH_QUEUE_DIGESTS_MAX) {
      return Promise.reject(new BranchcastError('BC_BUSY', `${this.#flights.size} chunks are already waiting for the WAN`, { details: { retryAfterMs: 1000 } }));
    }
    const { promise, resolve, reject } = Promise.withResolvers<Arrival>();
    this.#flights.set(digest, { promise, settle: resolve, fail: reject });
    this.#queue.add(digest);
    return promise;
  }

  #pump(): void {
    while (this.#queue.size > 0 && this.#batchCount < FETCH_BATCHES_MAX) {
      const batch = [...this.#queue.values().take(FETCH_BATCH_DIGESTS_MAX)];
      for (const digest of batch) this.#queue.delete(digest);
      if (this.#batchCount === 0) this.#idle = Promise.withResolvers<void>();
      this.#batchCount += 1;
      void this.#fetch(batch).finally(() => {
        this.#batchCount -= 1;
        this.#pump();
        if (this.#batchCount === 0) this.#idle.resolve();
      });
    }
  }

  /** Never rejects: what goes wrong reaches the waiters of the batch. */
  async #fetch(batch: readonly Digest[]): Promise<void> {
    let failure: BranchcastError | undefined;
    const puts = new Set<Promise<void>>();
    try {
      for await (const frame of this.#source.fetchFrames(batch, { signal: this.#abort.signal })) {
        const put = this.#keep(frame).catch((thrown: unknown) => {
          failure = asBranchcastError(thrown);
        });
        puts.add(put);
        void put.then(() => puts.delete(put));
        // Frames in memory are bounded: reading goes on when the disk has kept up. A store that cannot write ends the batch.
        if (puts.size >= FETCH_PUTS_MAX) await Promise.race(puts);
        if (failure !== undefined && !hasCode(failure, 'BC_CHUNK_CORRUPT') && !hasCode(failure, 'BC_FRAME_MALFORMED')) break;
      }
    } catch (thrown) {
      failure = asBranchcastError(thrown);
    }
    await Promise.all(puts);
    for (const digest of batch) {
      const flight = this.#land(digest);
      // Another fetch may have brought it a moment ago.
      const isStored = flight !== undefined && !this.#abort.signal.aborted && this.#store.has([digest])[0] === true;
      if (isStored) flight.settle('stored');
      else if (failure === undefined) flight?.settle('missing');
      else flight?.fail(failure);
    }
  }

  async #keep(frame: Uint8Array): Promise<void> {
    try {
      const { newStoredBytes } = await this.#store.put([frame]);
      this.#events.onFrame?.(frame.byteLength, newStoredBytes);
    } catch (thrown) {
      const error = asBranchcastError(thrown);
      if (error.code !== 'BC_CHUNK_CORRUPT' && error.code !== 'BC_FRAME_MALFORMED') throw error;
      const blamed = new BranchcastError(error.code, `${this.#source.name} sent wrong bytes: ${error.message}`, { details: { ...error.details, source: this.#source.name }, cause: error });
      this.#events.onCorrupt?.(blamed);
      throw blamed;
    }
    for (const chunk of parseFrameHeader(frame)?.chunks ?? []) this.#land(chunk.digest)?.settle('stored');
    freeBytes(frame);
  }

  /** Takes a chunk off the list of what is wanted. A frame may bring chunks that were still in the queue. */
  #land(digest: Digest): Flight | undefined {
    const flight = this.#flights.get(digest);
    this.#flights.delete(digest);
    this.#queue.delete(digest);
    return flight;
  }
}
