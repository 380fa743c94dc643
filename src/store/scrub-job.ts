/** One scrub at a time, in the background, with its progress to look at: what a daemon's API starts and shows. */
import { asBranchcastError } from '../base/errors.ts';
import { SCRUB_DROPPED_LISTED_MAX } from '../base/limits.ts';
import type { Digest } from '../chunking/digest.ts';
import type { ChunkStore } from './chunk-store.ts';

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
  readonly dropped?: readonly Digest[];
  readonly error?: string;
}

export class ScrubJob {
  readonly #store: ChunkStore;
  readonly #abort = new AbortController();
  #status: ScrubStatus = { state: 'never' };
  #running: Promise<void> | undefined;

  constructor(store: ChunkStore) {
    this.#store = store;
  }

  get status(): ScrubStatus {
    return this.#status;
  }

  /** Starts a scrub unless one runs already; either way answers how it stands. */
  start(): ScrubStatus {
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined;
    });
    return this.#status;
  }

  /** Ends a scrub under way. */
  async close(): Promise<void> {
    this.#abort.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const startedAt = new Date().toISOString();
    this.#status = { state: 'running', startedAt, doneBytes: 0 };
    try {
      const report = await this.#store.scrub({
        signal: this.#abort.signal,
        onProgress: (doneBytes, totalBytes) => {
          this.#status = { state: 'running', startedAt, doneBytes, totalBytes };
        },
      });
      const { frameCount, chunkCount, dropped } = report;
      this.#status = { state: 'done', startedAt, finishedAt: new Date().toISOString(), frameCount, chunkCount, droppedCount: dropped.length, dropped: dropped.slice(0, SCRUB_DROPPED_LISTED_MAX) };
    } catch (thrown) {
      this.#status = { state: 'failed', startedAt, finishedAt: new Date().toISOString(), error: asBranchcastError(thrown).message };
    }
  }
}
