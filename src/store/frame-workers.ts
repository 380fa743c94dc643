/**
 * Frames made and verified on worker threads. Bytes pass through memory that is shared with them: what a process
 * allocates for a frame on its main thread, its garbage collector has to look for later, and that cost a third of a publish's CPU time.
 */
import { availableParallelism } from 'node:os';
import { copyBytes } from '../base/copy-bytes.ts';
import { FRAME_STORED_BYTES_MAX } from '../base/limits/frames.ts';
import { FRAMES_PER_WORKER, FRAME_WORKERS_MAX } from '../base/limits/store.ts';
import { SharedBuffers, type SharedBuffer } from '../base/shared-buffers.ts';
import { WorkerPool } from '../base/worker-pool.ts';
import { ZSTD_LEVEL_DEFAULT, type Chunk } from './frame-encode.ts';
import type { FrameJob, FrameShared } from './frame-worker.ts';
import type { Digest } from '../chunking/digest.ts';
import type { ChunkLength } from './chunk-table.ts';

/** Chunks on their way into one frame. */
export interface FrameDraft {
  readonly rawBytes: number;
  readonly chunkCount: number;
  /** Copies the chunk, which must be none that it has. The caller keeps within FRAME_RAW_BYTES_MAX. */
  add(digest: Digest, bytes: Uint8Array): void;
}

export interface MadeFrame {
  /** Shared memory, until `release`. */
  readonly bytes: Uint8Array;
  release(): void;
}

export class FrameWorkers {
  readonly #pool: WorkerPool<FrameJob, number>;
  readonly #buffers: SharedBuffers;

  /** `openMax`: drafts, and frames that are made and not released, beside those under way. `yields`: the threads run when nobody else wants the processor. */
  constructor(workerCount = availableParallelism(), openMax = 0, { yields = false } = {}) {
    const count = Math.max(1, Math.min(workerCount, FRAME_WORKERS_MAX));
    this.#buffers = new SharedBuffers(count * FRAMES_PER_WORKER + openMax, FRAME_STORED_BYTES_MAX);
    const shared: FrameShared = { memory: this.#buffers.memory, yields };
    this.#pool = new WorkerPool(new URL('./frame-worker', import.meta.url), { workerCount: count, shared, work: 'frames', jobsBeforeNext: FRAMES_PER_WORKER });
  }

  /** One thread starts now, not with the first frame. */
  start(): void {
    this.#pool.start();
  }

  /** Frames that may be asked for at a time so that every worker has work and memory stays bounded. */
  get inFlightMax(): number {
    return this.#pool.workerCount * FRAMES_PER_WORKER;
  }

  /** Waits until there is memory for it. */
  async draft(): Promise<FrameDraft> {
    return new Draft(await this.#buffers.take());
  }

  /** The same frame, byte for byte, whichever worker makes it. The draft is used up. */
  async encode(draft: FrameDraft, level: number): Promise<MadeFrame> {
    const { buffer, table } = draft as Draft;
    try {
      const bytes = await this.#pool.run({ kind: 'encode', buffer: buffer.index, table, level });
      return { bytes: buffer.bytes.subarray(0, bytes), release: () => buffer.release() };
    } catch (error) {
      buffer.release();
      throw error;
    }
  }

  /** A draft that is not to become a frame. */
  discard(draft: FrameDraft): void {
    (draft as Draft).buffer.release();
  }

  /** One frame of chunks that are in memory anyway, as encodeFrame makes it. */
  async encodeChunks(chunks: readonly Chunk[], level = ZSTD_LEVEL_DEFAULT): Promise<Uint8Array> {
    const draft = await this.draft();
    for (const { digest, bytes } of new Map(chunks.map((chunk) => [chunk.digest, chunk])).values()) draft.add(digest, bytes);
    const made = await this.encode(draft, level);
    const frame = new Uint8Array(made.bytes);
    made.release();
    return frame;
  }

  /** Throws BC_FRAME_MALFORMED or BC_CHUNK_CORRUPT, as decodeFrame does. The caller has checked that it is no longer than FRAME_STORED_BYTES_MAX. */
  async verify(frame: Uint8Array): Promise<void> {
    const buffer = await this.#buffers.take();
    try {
      copyBytes(frame, buffer.bytes);
      await this.#pool.run({ kind: 'verify', buffer: buffer.index, bytes: frame.byteLength });
    } finally {
      buffer.release();
    }
  }

  /** What is under way is given up. */
  close(): Promise<void> {
    return this.#pool.close();
  }
}

class Draft implements FrameDraft {
  readonly buffer: SharedBuffer;
  readonly table: ChunkLength[] = [];
  rawBytes = 0;

  constructor(buffer: SharedBuffer) {
    this.buffer = buffer;
  }

  get chunkCount(): number {
    return this.table.length;
  }

  add(digest: Digest, bytes: Uint8Array): void {
    copyBytes(bytes, this.buffer.bytes, this.rawBytes);
    this.rawBytes += bytes.byteLength;
    this.table.push({ digest, bytes: bytes.byteLength });
  }
}
