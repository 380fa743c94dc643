/**
 * The publisher's side: sends the blocks that the core lacks. A pipeline whose stages overlap and each hold a bounded amount: blocks
 * are read, the core is asked which it lacks, those are made frames on worker threads, and several uploads are under way. What is stored is skipped, so
 * a publish that died goes on where it was.
 */
import { pipe } from 'it-pipe';
import { throwIfAborted } from '../base/errors.ts';
import { FRAME_CHUNKS_MAX, FRAME_RAW_BYTES_TARGET, PUBLISH_BATCH_BYTES, PUBLISH_BATCHES_MAX, PUBLISH_UPLOADS_MAX, REQUEST_DIGESTS_MAX, UPLOAD_BYTES_TARGET } from '../base/limits.ts';
import type { Digest } from '../chunking/digest.ts';
import type { PutResult } from '../store/chunk-store.ts';
import { ZSTD_LEVEL_DEFAULT } from '../store/frame-encode.ts';
import { CompressPool } from './compress-pool.ts';
import type { CoreClient } from './core-client.ts';
import { orderedMap } from './ordered-map.ts';

export interface UploadBlock {
  readonly digest: Digest;
  /** Taken over: they must not change after. */
  readonly bytes: Uint8Array;
  /** Nodes (and the descriptor) stand in frames of their own, since they travel another way than chunks. */
  readonly kind: 'chunk' | 'node';
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

export interface UploadOptions {
  readonly signal?: AbortSignal;
  /** zstd level of the frames; ZSTD_LEVEL_DEFAULT if not given. */
  readonly compressionLevel?: number;
  /** After every upload. */
  readonly onProgress?: (report: UploadReport) => void;
  readonly workerCount?: number;
}

type MutableReport = { -readonly [K in keyof UploadReport]: UploadReport[K] };

/** Resolves when every block is durable at the core. Frames do not depend on the number of workers or on timing. Ends `blocks` early if it fails. */
export async function uploadBlocks(client: CoreClient, blocks: AsyncIterable<UploadBlock>, options: UploadOptions = {}): Promise<UploadReport> {
  const { signal, onProgress } = options;
  const report: MutableReport = {
    blockCount: 0, uniqueCount: 0, chunkCount: 0, chunkBytes: 0, nodeCount: 0, nodeBytes: 0,
    sentCount: 0, sentRawBytes: 0, uploadBytes: 0, newChunkCount: 0, newRawBytes: 0, newStoredBytes: 0,
  };
  const pool = new CompressPool(options.compressionLevel ?? ZSTD_LEVEL_DEFAULT, options.workerCount);
  try {
    const uploads: AsyncIterable<PutResult> = pipe(
      different(blocks, report, signal),
      inBatches,
      orderedMap(PUBLISH_BATCHES_MAX, async (batch: UploadBlock[]) => {
        const missing = await client.missing(batch.map(({ digest }) => digest), { signal });
        return batch.filter((_, index) => missing[index] === true);
      }),
      inFrames,
      orderedMap(pool.inFlightMax, async (group: UploadBlock[]) => {
        report.sentCount += group.length;
        report.sentRawBytes += sumBytes(group);
        return pool.frame(group);
      }),
      inUploads,
      orderedMap(PUBLISH_UPLOADS_MAX, async (frames: Uint8Array[]) => {
        const result = await client.uploadFrames(frames, { signal });
        report.uploadBytes += frames.reduce((sum, frame) => sum + frame.byteLength, 0);
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
    await pool.close();
  }
}

/** Each block once. */
async function* different(blocks: AsyncIterable<UploadBlock>, report: MutableReport, signal: AbortSignal | undefined): AsyncGenerator<UploadBlock, void, undefined> {
  const seen = new Set<Digest>();
  for await (const block of blocks) {
    throwIfAborted(signal);
    report.blockCount += 1;
    if (seen.has(block.digest)) continue;
    seen.add(block.digest);
    report.uniqueCount += 1;
    report[block.kind === 'chunk' ? 'chunkCount' : 'nodeCount'] += 1;
    report[block.kind === 'chunk' ? 'chunkBytes' : 'nodeBytes'] += block.bytes.byteLength;
    yield block;
  }
}

/** What one question about missing blocks is about. */
async function* inBatches(blocks: AsyncIterable<UploadBlock>): AsyncGenerator<UploadBlock[], void, undefined> {
  let batch: UploadBlock[] = [];
  let bytes = 0;
  for await (const block of blocks) {
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
async function* inFrames(batches: AsyncIterable<readonly UploadBlock[]>): AsyncGenerator<UploadBlock[], void, undefined> {
  const open: Record<UploadBlock['kind'], { blocks: UploadBlock[]; bytes: number }> = { chunk: { blocks: [], bytes: 0 }, node: { blocks: [], bytes: 0 } };
  for await (const batch of batches) {
    for (const block of batch) {
      const frame = open[block.kind];
      frame.blocks.push(block);
      frame.bytes += block.bytes.byteLength;
      if (frame.bytes < FRAME_RAW_BYTES_TARGET && frame.blocks.length < FRAME_CHUNKS_MAX) continue;
      yield frame.blocks;
      open[block.kind] = { blocks: [], bytes: 0 };
    }
  }
  for (const { blocks } of [open.chunk, open.node]) if (blocks.length > 0) yield blocks;
}

/** Frames that travel together. */
async function* inUploads(frames: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array[], void, undefined> {
  let upload: Uint8Array[] = [];
  let bytes = 0;
  for await (const frame of frames) {
    upload.push(frame);
    bytes += frame.byteLength;
    if (bytes < UPLOAD_BYTES_TARGET) continue;
    yield upload;
    upload = [];
    bytes = 0;
  }
  if (upload.length > 0) yield upload;
}

function sumBytes(blocks: readonly UploadBlock[]): number {
  return blocks.reduce((sum, { bytes }) => sum + bytes.byteLength, 0);
}
