/** Frames read back. A frame from elsewhere is never believed: it is decompressed within its bound, and every chunk is held against its digest. */
import { crc32 } from 'node:zlib';
import { BranchcastError } from '../base/errors.ts';
import { freeBytes } from '../base/free-bytes.ts';
import type { Digest } from '../chunking/digest.ts';
import { hash } from '../chunking/hash.ts';
import type { FrameChunk } from './chunk-table.ts';
import { decompressExactly } from './decompress-exactly.ts';
import { asBuffer, malformed, parseFrameHeader, WINDOW_LOG_MAX, type FrameHeader } from './frame-header.ts';
import type { Chunk } from './frame-encode.ts';

/** The header of exactly one whole frame, whose payload is not looked at. Throws BC_FRAME_MALFORMED. */
export function wholeFrameHeader(frame: Uint8Array): FrameHeader {
  const header = parseFrameHeader(frame);
  if (header?.storedBytes === frame.byteLength) return header;
  throw malformed(header === undefined ? `cut off after ${frame.byteLength} bytes` : `${frame.byteLength} bytes where its header says ${header.storedBytes}`);
}

/**
 * The header of exactly one whole frame whose checksums hold. Throws BC_FRAME_MALFORMED. Payload checksums find torn writes and rot;
 * only decodeFrame finds lies.
 */
export function checkFrame(frame: Uint8Array): FrameHeader {
  const header = wholeFrameHeader(frame);
  if (crc32(asBuffer(frame).subarray(header.payloadOffset)) !== header.payloadCrc) throw malformed('the checksum of its payload is wrong');
  return header;
}

/**
 * The chunks of a frame, each verified: all, or those in `only`. Their bytes are views of one buffer (of `frame` itself where
 * it is stored uncompressed). Throws BC_FRAME_MALFORMED, BC_CHUNK_CORRUPT.
 */
export function decodeFrame(frame: Uint8Array, options: { readonly only?: ReadonlySet<Digest> } = {}): Chunk[] {
  const { only } = options;
  const header = checkFrame(frame);
  const wanted = only === undefined ? header.chunks : header.chunks.filter((chunk) => only.has(chunk.digest));
  return wanted.length === 0 ? [] : verified(chunksOf(decompress(frame, header), wanted));
}

/**
 * The same of a frame that was verified when it was put, by its checksum alone: that finds rot, at a tenth of the cost. For bytes that are verified again by whoever gets what is made of
 * them. Throws BC_FRAME_MALFORMED.
 */
export function decodeOwnFrame(frame: Uint8Array): Chunk[] {
  const header = checkFrame(frame);
  return chunksOf(decompress(frame, header), header.chunks);
}

/** Throws as decodeFrame does, and keeps nothing. */
export function verifyFrame(frame: Uint8Array): void {
  const header = checkFrame(frame);
  const raw = decompress(frame, header);
  try {
    verified(chunksOf(raw, header.chunks));
  } finally {
    if (header.codec !== 'stored') freeBytes(raw);
  }
}

function chunksOf(raw: Uint8Array, wanted: readonly FrameChunk[]): Chunk[] {
  return wanted.map(({ digest, bytes, offsetBytes }) => ({ digest, bytes: raw.subarray(offsetBytes, offsetBytes + bytes) }));
}

function verified(chunks: Chunk[]): Chunk[] {
  for (const { digest, bytes } of chunks) {
    if (hash(bytes) !== digest) throw new BranchcastError('BC_CHUNK_CORRUPT', `the bytes of chunk ${digest} do not match their digest`, { details: { digest } });
  }
  return chunks;
}

function decompress(frame: Uint8Array, header: FrameHeader): Uint8Array {
  const payload = frame.subarray(header.payloadOffset);
  return header.codec === 'stored' ? payload : decompressExactly(payload, { rawBytes: header.rawBytes, windowLogMax: WINDOW_LOG_MAX }, malformed);
}
