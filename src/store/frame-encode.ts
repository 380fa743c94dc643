/** Consecutive chunks, compressed together. docs/formats.md, "Frame". */
import { constants, zstdCompressSync } from 'node:zlib';
import { copyBytes } from '../base/copy-bytes.ts';
import { BranchcastError } from '../base/errors.ts';
import { freeBytes } from '../base/free-bytes.ts';
import { CHUNK_BYTES_MAX, FRAME_CHUNKS_MAX, FRAME_RAW_BYTES_MAX, FRAME_RAW_BYTES_TARGET } from '../base/limits/frames.ts';
import type { Digest } from '../chunking/digest.ts';
import type { ChunkLength } from './chunk-table.ts';
import { asBuffer, encodeFrameHeader, WINDOW_LOG_MAX, type FrameCodec } from './frame-header.ts';

export interface Chunk {
  readonly digest: Digest;
  readonly bytes: Uint8Array;
}

export interface EncodeFrameOptions {
  /** zstd level, 1 to 19: higher ones use windows that decoders of frames refuse. */
  readonly level?: number;
  /** `stored` skips compression; `zstd`, the default, is used only where it saves enough. */
  readonly codec?: FrameCodec;
}

export const ZSTD_LEVEL_DEFAULT = 3;
const ZSTD_LEVEL_MAX = 19;
/** Below this saving, decompression costs every reader more than the bytes are worth. */
const LEAST_SAVING = 0.03;
/** Above this the windows of the levels (2 MiB of level 3, 4 MiB of most above it) may be shorter than the frame. */
const LONG_FRAME_BYTES = FRAME_RAW_BYTES_TARGET + CHUNK_BYTES_MAX;
/** What zstd may need above its input: ZSTD_COMPRESSBOUND is a 256th and some bytes. One buffer then takes the whole output. */
const BOUND_SHARE = 1 / 128;
const BOUND_BYTES = 1024;

/** One frame of these chunks, in order; a chunk that is given twice stands in it once. Digests are taken at their word. */
export function encodeFrame(chunks: readonly Chunk[], options: EncodeFrameOptions = {}): Uint8Array {
  const different = [...new Map(chunks.map((chunk) => [chunk.digest, chunk])).values()];
  const table = different.map(({ digest, bytes }) => ({ digest, bytes: bytes.byteLength }));
  checkTable(table);
  const { header, payload } = frameOf(Buffer.concat(different.map((chunk) => chunk.bytes)), table, options);
  return Buffer.concat([header, payload]);
}

/**
 * The same frame in place: at the start of `memory` stand the chunks of `table`, all different, one after the other; the frame takes
 * their place. Answers its length. There must be room for it if nothing compresses: FRAME_STORED_BYTES_MAX is enough.
 */
export function encodeFrameInPlace(memory: Uint8Array, table: readonly ChunkLength[], options: EncodeFrameOptions = {}): number {
  const rawBytes = checkTable(table);
  const { header, payload } = frameOf(asBuffer(memory).subarray(0, rawBytes), table, options);
  const frameBytes = header.byteLength + payload.byteLength;
  copyBytes(payload, memory, header.byteLength);
  memory.set(header);
  // What did not compress stands in the caller's own memory.
  if (payload.buffer !== memory.buffer) freeBytes(payload);
  return frameBytes;
}

/** Answers the raw bytes of such a frame. */
function checkTable(table: readonly ChunkLength[]): number {
  const rawBytes = table.reduce((sum, { bytes }) => sum + bytes, 0);
  if (table.length < 1 || table.length > FRAME_CHUNKS_MAX || rawBytes > FRAME_RAW_BYTES_MAX) {
    throw new BranchcastError('BC_LIMIT_EXCEEDED', `a frame cannot hold ${table.length} chunks of ${rawBytes} bytes together`);
  }
  for (const { digest, bytes } of table) {
    if (bytes < 1 || bytes > CHUNK_BYTES_MAX) throw new BranchcastError('BC_LIMIT_EXCEEDED', `chunk ${digest} has ${bytes} bytes; 1 to ${CHUNK_BYTES_MAX} are allowed`);
  }
  return rawBytes;
}

function frameOf(raw: Buffer, table: readonly ChunkLength[], { level = ZSTD_LEVEL_DEFAULT, codec = 'zstd' }: EncodeFrameOptions): { readonly header: Buffer; readonly payload: Buffer } {
  const packed = codec === 'zstd' ? compress(raw, Math.min(level, ZSTD_LEVEL_MAX)) : undefined;
  const payload = packed ?? raw;
  return { header: encodeFrameHeader(packed === undefined ? 'stored' : 'zstd', table, raw.byteLength, payload), payload };
}

function compress(raw: Buffer, level: number): Buffer | undefined {
  const packed = zstdCompressSync(raw, {
    chunkSize: raw.byteLength + Math.ceil(raw.byteLength * BOUND_SHARE) + BOUND_BYTES,
    params: { [constants.ZSTD_c_compressionLevel]: level, ...(raw.byteLength > LONG_FRAME_BYTES ? { [constants.ZSTD_c_windowLog]: Math.min(WINDOW_LOG_MAX, 32 - Math.clz32(raw.byteLength - 1)) } : {}) },
  });
  return packed.byteLength <= raw.byteLength * (1 - LEAST_SAVING) ? packed : undefined;
}
