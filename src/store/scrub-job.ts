/** Reads and verifies every pack when asked to, one run at a time, beside normal work. */
import { asBranchcastError } from '../base/errors.ts';
import type { Clock } from '../base/clock.ts';
import type { Logger } from '../base/log.ts';
import { SCRUB_DROPPED_LISTED_MAX } from '../base/limits/daemons.ts';
import type { Digest } from '../chunking/digest.ts';
import type { ChunkStore } from './chunk-store.ts';

/** How a scrub stands, or how the last one ended. */
export interface ScrubStatus {
  readonly state: 'never' | 'running' | 'done' | 'failed';
  readonly startedAt?: string;
  readonly finishedAt?: string;
  readonly doneBytes?: number;
  readonly totalBytes?: number;
  readonly frameCount?: number;
  readonly chunkCount?: number;
  readonly droppedCount?: number;
  /** The first SCRUB_DROPPED_LISTED_MAX of them. */
  readonly dropped?: Digest[];
  readonly error?: string;
}

export class ScrubJob {
  readonly #store: ChunkStore;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #abort = new AbortController();
  #running: Promise<void> | undefined;
  #status: ScrubStatus = { state: 'never' };

  constructor(store: ChunkStore, clock: Clock, log: Logger) {
    this.#store = store;
    this.#clock = clock;
    this.#log = log;
  }

  get status(): ScrubStatus {
    return this.#status;
  }

  /** Begins a run unless one is under way. */
  start(): ScrubStatus {
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined;
    });
    return this.#status;
  }

  async close(): Promise<void> {
    this.#abort.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const startedAt = this.#now();
    this.#status = { state: 'running', startedAt };
    try {
      const report = await this.#store.scrub({
        signal: this.#abort.signal,
        onProgress: (doneBytes, totalBytes) => {
          this.#status = { state: 'running', startedAt, doneBytes, totalBytes };
        },
      });
      const { frameCount, chunkCount, dropped } = report;
      this.#status = { state: 'done', startedAt, finishedAt: this.#now(), frameCount, chunkCount, droppedCount: dropped.length, dropped: dropped.slice(0, SCRUB_DROPPED_LISTED_MAX) };
      if (dropped.length > 0) this.#log.error({ droppedCount: dropped.length }, 'scrub found rot, which is dropped: the next fetch, or publishing the layers again, heals it');
    } catch (thrown) {
      const error = asBranchcastError(thrown);
      this.#status = { state: 'failed', startedAt, finishedAt: this.#now(), error: error.message };
      if (!this.#abort.signal.aborted) this.#log.error({ err: error }, 'scrub failed');
    }
  }

  #now(): string {
    return new Date(this.#clock.wallMs()).toISOString();
  }
}
