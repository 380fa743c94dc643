/** Frames made on worker threads: compression is what publishing waits for (FACTS: two workers give nearly twice the speed). */
import { availableParallelism } from 'node:os';
import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import { BranchcastError } from '../base/errors.ts';
import { COMPRESS_QUEUE_PER_WORKER, COMPRESS_WORKERS_MAX } from '../base/limits.ts';
import type { Digest } from '../chunking/digest.ts';
import type { Chunk } from '../store/frame-encode.ts';

/** A worker's objects are few and short-lived, and each drags buffers along: a small young generation frees those soon. */
const WORKER_HEAP = { maxYoungGenerationSizeMb: 4, maxOldGenerationSizeMb: 64 };

export interface CompressJob {
  readonly id: number;
  readonly level: number;
  /** The chunks' bytes, one after the other; handed over, not copied. */
  readonly raw: Uint8Array;
  readonly chunks: readonly { readonly digest: Digest; readonly bytes: number }[];
}

export interface CompressAnswer {
  readonly id: number;
  readonly frame?: Uint8Array;
  readonly error?: string;
}

interface Hand {
  readonly worker: Worker;
  readonly jobs: Map<number, PromiseWithResolvers<Uint8Array>>;
}

export class CompressPool {
  readonly #hands: Hand[];
  readonly #level: number;
  #nextId = 0;
  #closed = false;

  constructor(level: number, workerCount = Math.min(availableParallelism(), COMPRESS_WORKERS_MAX)) {
    this.#level = level;
    this.#hands = Array.from({ length: workerCount }, () => this.#hire());
  }

  /** Frames that may be asked for at a time so that every worker has work and memory stays bounded. */
  get inFlightMax(): number {
    return this.#hands.length * COMPRESS_QUEUE_PER_WORKER;
  }

  /** The same frame, byte for byte, whichever worker makes it. */
  frame(chunks: readonly Chunk[]): Promise<Uint8Array> {
    const hand = this.#hands.reduce((least, hand) => (hand.jobs.size < least.jobs.size ? hand : least));
    if (this.#closed) return Promise.reject(new BranchcastError('BC_CANCELLED', 'compression has ended'));
    const raw = new Uint8Array(chunks.reduce((sum, chunk) => sum + chunk.bytes.byteLength, 0));
    let at = 0;
    for (const { bytes } of chunks) {
      raw.set(bytes, at);
      at += bytes.byteLength;
    }
    const id = this.#nextId++;
    const job: CompressJob = { id, level: this.#level, raw, chunks: chunks.map(({ digest, bytes }) => ({ digest, bytes: bytes.byteLength })) };
    const answer = Promise.withResolvers<Uint8Array>();
    hand.jobs.set(id, answer);
    hand.worker.postMessage(job, [raw.buffer]);
    return answer.promise;
  }

  /** What is under way is given up. */
  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all(this.#hands.map(({ worker }) => worker.terminate()));
  }

  #hire(): Hand {
    // The worker's file has the ending of this one: .ts from source, .js when built.
    const worker = new Worker(new URL(`./compress-worker${extname(import.meta.filename)}`, import.meta.url), { resourceLimits: WORKER_HEAP });
    const hand: Hand = { worker, jobs: new Map() };
    worker.on('message', ({ id, frame, error }: CompressAnswer) => {
      const job = hand.jobs.get(id);
      hand.jobs.delete(id);
      if (frame !== undefined) job?.resolve(frame);
      else job?.reject(new BranchcastError('BC_INTERNAL', `a frame could not be made: ${error ?? 'for no known reason'}`));
    });
    const lost = (cause: unknown): void => {
      const error = this.#closed ? new BranchcastError('BC_CANCELLED', 'compression has ended') : new BranchcastError('BC_INTERNAL', 'a compression worker died', { cause });
      for (const job of hand.jobs.values()) job.reject(error);
      hand.jobs.clear();
    };
    worker.on('error', lost);
    worker.on('exit', lost);
    return hand;
  }
}
