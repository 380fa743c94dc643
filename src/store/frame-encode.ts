/** Consecutive chunks, compressed together. docs/formats.md, "Frame". */
import { constants, zstdCompressSync } from 'node:zlib';
import { BranchcastError } from '../base/errors.ts';
import { CHUNK_BYTES_MAX, FRAME_CHUNKS_MAX, FRAME_RAW_BYTES_MAX } from '../base/limits.ts';
import type { Digest } from '../chunking/digest.ts';
import { encodeFrameHeader, type FrameCodec } from './frame-header.ts';

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
/** What zstd may need above its input: ZSTD_COMPRESSBOUND is a 256th and some bytes. One buffer then takes the whole output. */
const BOUND_SHARE = 1 / 128;
const BOUND_BYTES = 1024;

/** One frame of these chunks, in order; a chunk that is given twice stands in it once. Digests are taken at their word. */
export function encodeFrame(chunks: readonly Chunk[], options: EncodeFrameOptions = {}): Uint8Array {
  const { level = ZSTD_LEVEL_DEFAULT, codec = 'zstd' } = options;
  const different = [...new Map(chunks.map((chunk) => [chunk.digest, chunk])).values()];
  const rawBytes = different.reduce((sum, chunk) => sum + chunk.bytes.byteLength, 0);
  if (different.length < 1 || different.length > FRAME_CHUNKS_MAX || rawBytes > FRAME_RAW_BYTES_MAX) {
    throw new BranchcastError('BC_LIMIT_EXCEEDED', `a frame cannot hold ${different.length} chunks of ${rawBytes} bytes together`);
  }
  for (const { digest, bytes } of different) {
    if (bytes.byteLength < 1 || bytes.byteLength > CHUNK_BYTES_MAX) throw new BranchcastError('BC_LIMIT_EXCEEDED', `chunk ${digest} has ${bytes.byteLength} bytes; 1 to ${CHUNK_BYTES_MAX} are allowed`);
  }
  const raw = Buffer.concat(different.map((chunk) => chunk.bytes), rawBytes);
  const packed = codec === 'zstd' ? compress(raw, Math.min(level, ZSTD_LEVEL_MAX)) : undefined;
  const header = encodeFrameHeader(packed === undefined ? 'stored' : 'zstd', different, rawBytes, packed ?? raw);
  return Buffer.concat([header, packed ?? raw]);
}

function compress(raw: Buffer, level: number): Buffer | undefined {
  const packed = zstdCompressSync(raw, {
    chunkSize: raw.byteLength + Math.ceil(raw.byteLength * BOUND_SHARE) + BOUND_BYTES,
    params: { [constants.ZSTD_c_compressionLevel]: level },
  });
  return packed.byteLength <= raw.byteLength * (1 - LEAST_SAVING) ? packed : undefined;
}
