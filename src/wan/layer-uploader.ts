/**
 * The publisher's side: sends the blocks that the core lacks. A pipeline whose stages overlap and each hold a bounded amount: blocks
 * are read, the core is asked which it lacks, those are made frames on worker threads, and several uploads are under way. What is stored is skipped, so
 * a publish that died goes on where it was.
 */
import { pipe } from 'it-pipe';
import { copyBytes } from '../base/copy-bytes.ts';
import { throwIfAborted } from '../base/errors.ts';
import { FRAME_STORED_BYTES_MAX } from '../base/limits/frames.ts';
import { PUBLISH_BATCH_BYTES, PUBLISH_BATCHES_MAX, PUBLISH_UPLOADS_MAX, UPLOAD_BYTES_TARGET } from '../base/limits/publishing.ts';
import { REQUEST_DIGESTS_MAX } from '../base/limits/wan.ts';
import type { Digest } from '../chunking/digest.ts';
import type { PutResult } from '../store/chunk-store.ts';
import { isFullFrame } from '../store/frame-builder.ts';
import { ZSTD_LEVEL_DEFAULT } from '../store/frame-encode.ts';
import { FrameWorkers, type FrameDraft, type MadeFrame } from '../store/frame-workers.ts';
import type { CoreClient } from './core-client.ts';
import { orderedMap } from './ordered-map.ts';

export interface UploadBlock {
  readonly digest: Digest;
  /** Must not change, and stay until `release`. */
  readonly bytes: Uint8Array;
  /** Nodes (and the descriptor) stand in frames of their own, since they travel another way than chunks. */
  readonly kind: 'chunk' | 'node';
  /** Called once, when the bytes are not needed any more. */
  readonly release?: () => void;
}

export interface UploadReport {
  /** Blocks as given, and how many of them were different. */
  readonly blockCount: number;
  readonly uniqueCount: number;
  /** Different chunks and nodes, raw. */
  readonly chunkCount: number;
  readonly chunkBytes: number;
  readonly nodeCount: number;
  readonly nodeBytes: number;
  /** What the core lacked, as it was sent: blocks, their bytes, and the bytes of the frames. */
  readonly sentCount: number;
  readonly sentRawBytes: number;
  readonly uploadBytes: number;
  /** By how much the core's store grew, in its own words. */
  readonly newChunkCount: number;
  readonly newRawBytes: number;
  readonly newStoredBytes: number;
}

/** Of a publish that had nothing to ask for or to send. */
export const NOTHING_UPLOADED: UploadReport = {
  blockCount: 0, uniqueCount: 0, chunkCount: 0, chunkBytes: 0, nodeCount: 0, nodeBytes: 0,
  sentCount: 0, sentRawBytes: 0, uploadBytes: 0, newChunkCount: 0, newRawBytes: 0, newStoredBytes: 0,
};

export interface UploadOptions {
  readonly signal?: AbortSignal;
  /** zstd level of the frames; ZSTD_LEVEL_DEFAULT if not given. */
  readonly compressionLevel?: number;
  /** After every upload. */
  readonly onProgress?: (report: UploadReport) => void;
  readonly workerCount?: number | undefined;
}

/** One of each kind is being filled, and one that is made is being copied into an upload. */
const OPEN_FRAMES = 3;
/** An upload ends with the frame that brings it to its target. */
const UPLOAD_BODY_BYTES = UPLOAD_BYTES_TARGET + FRAME_STORED_BYTES_MAX;

type MutableReport = { -readonly [K in keyof UploadReport]: UploadReport[K] };

/** Resolves when every block is durable at the core. Frames do not depend on the number of workers or on timing. Ends `blocks` early if it fails. */
export async function uploadBlocks(client: CoreClient, blocks: AsyncIterable<UploadBlock>, options: UploadOptions = {}): Promise<UploadReport> {
  const { signal, onProgress } = options;
  const report: MutableReport = { ...NOTHING_UPLOADED };
  const workers = new FrameWorkers(options.workerCount, OPEN_FRAMES);
  const level = options.compressionLevel ?? ZSTD_LEVEL_DEFAULT;
  const bodies = new UploadBodies();
  try {
    const uploads: AsyncIterable<PutResult> = pipe(
      inBatches(blocks, report, signal),
      orderedMap(PUBLISH_BATCHES_MAX, async (batch: readonly UploadBlock[]) => {
        const missing = await client.missing(batch.map(({ digest }) => digest), { signal });
        for (const [index, { release }] of batch.entries()) if (missing[index] === false) release?.();
        return batch.filter((_, index) => missing[index] === true);
      }),
      (batches: AsyncIterable<readonly UploadBlock[]>) => inFrames(batches, workers, report),
      orderedMap(workers.inFlightMax, (draft: FrameDraft) => workers.encode(draft, level)),
      (frames: AsyncIterable<MadeFrame>) => inUploads(frames, bodies),
      orderedMap(PUBLISH_UPLOADS_MAX, async (body: Uint8Array) => {
        const result = await client.uploadFrames(body, { signal });
        report.uploadBytes += body.byteLength;
        bodies.giveBack(body);
        return result;
      }),
    );
    for await (const result of uploads) {
      report.newChunkCount += result.newChunkCount;
      report.newRawBytes += result.newRawBytes;
      report.newStoredBytes += result.newStoredBytes;
      onProgress?.({ ...report });
    }
    return report;
  } finally {
    await workers.close();
  }
}

/** Each block once; as many as one question is about. */
async function* inBatches(blocks: AsyncIterable<UploadBlock>, report: MutableReport, signal: AbortSignal | undefined): AsyncGenerator<readonly UploadBlock[], void, undefined> {
  const seen = new Set<Digest>();
  let batch: UploadBlock[] = [];
  let bytes = 0;
  for await (const block of blocks) {
    throwIfAborted(signal);
    report.blockCount += 1;
    if (seen.has(block.digest)) {
      block.release?.();
      continue;
    }
    seen.add(block.digest);
    report.uniqueCount += 1;
    report[block.kind === 'chunk' ? 'chunkCount' : 'nodeCount'] += 1;
    report[block.kind === 'chunk' ? 'chunkBytes' : 'nodeBytes'] += block.bytes.byteLength;
    batch.push(block);
    bytes += block.bytes.byteLength;
    if (bytes < PUBLISH_BATCH_BYTES && batch.length < REQUEST_DIGESTS_MAX) continue;
    yield batch;
    batch = [];
    bytes = 0;
  }
  if (batch.length > 0) yield batch;
}

/** Consecutive blocks of one kind make a frame, across batches. Chunks and nodes come mixed: each kind fills its own. */
async function* inFrames(batches: AsyncIterable<readonly UploadBlock[]>, workers: FrameWorkers, report: MutableReport): AsyncGenerator<FrameDraft, void, undefined> {
  const open: Record<UploadBlock['kind'], FrameDraft | undefined> = { chunk: undefined, node: undefined };
  for await (const batch of batches) {
    for (const { digest, bytes, kind, release } of batch) {
      const draft = (open[kind] ??= await workers.draft());
      draft.add(digest, bytes);
      report.sentCount += 1;
      report.sentRawBytes += bytes.byteLength;
      release?.();
      if (!isFullFrame(draft.rawBytes, draft.chunkCount)) continue;
      open[kind] = undefined;
      yield draft;
    }
  }
  for (const draft of [open.chunk, open.node]) if (draft !== undefined) yield draft;
}

/** Frames that travel together, one after the other. */
async function* inUploads(frames: AsyncIterable<MadeFrame>, bodies: UploadBodies): AsyncGenerator<Uint8Array, void, undefined> {
  let body = bodies.take();
  let bytes = 0;
  for await (const frame of frames) {
    copyBytes(frame.bytes, body, bytes);
    bytes += frame.bytes.byteLength;
    frame.release();
    if (bytes < UPLOAD_BYTES_TARGET) continue;
    yield body.subarray(0, bytes);
    body = bodies.take();
    bytes = 0;
  }
  if (bytes > 0) yield body.subarray(0, bytes);
}

/** Memory for the bodies of uploads, used again: as many as are under way, one that is filled, one that waits. */
class UploadBodies {
  readonly #free: ArrayBuffer[] = [];

  take(): Uint8Array {
    return new Uint8Array(this.#free.pop() ?? new ArrayBuffer(UPLOAD_BODY_BYTES));
  }

  giveBack(body: Uint8Array): void {
    this.#free.push(body.buffer as ArrayBuffer);
  }
}
