/** The header and table of a frame: what is in it, before a byte of its payload is touched. docs/formats.md, "Frame". */
import { crc32 } from 'node:zlib';
import { BranchcastError } from '../base/errors.ts';
import { FRAME_CHUNKS_MAX, FRAME_RAW_BYTES_MAX, FRAME_STORED_BYTES_MAX } from '../base/limits/frames.ts';
import { parseChunkTable, TABLE_ENTRY_BYTES, writeChunkTable, type ChunkLength, type FrameChunk } from './chunk-table.ts';

export type FrameCodec = 'stored' | 'zstd';

export interface FrameHeader {
  readonly codec: FrameCodec;
  /** Sum of the chunks' lengths: what the payload decompresses to. */
  readonly rawBytes: number;
  /** The whole frame: header, table, payload. */
  readonly storedBytes: number;
  /** Where the payload starts in the frame. */
  readonly payloadOffset: number;
  readonly payloadCrc: number;
  /** In payload order; no digest twice. */
  readonly chunks: readonly FrameChunk[];
}

/** What the fixed part says; enough to know how many bytes belong to the frame. */
interface FixedPart {
  readonly codec: FrameCodec;
  readonly chunkCount: number;
  readonly rawBytes: number;
  readonly payloadBytes: number;
  readonly payloadCrc: number;
  readonly payloadOffset: number;
  readonly storedBytes: number;
}

/** zstd windows: 2^23 = FRAME_RAW_BYTES_MAX, so that a hostile frame cannot ask for a larger one (RFC 8878, 3.1.1.1.2). */
export const WINDOW_LOG_MAX = 23;
export const FRAME_MAGIC = Buffer.from('BCF1', 'latin1');
export const FRAME_FIXED_BYTES = 20;
const CRC_BYTES = 4;
const CODECS: readonly FrameCodec[] = ['stored', 'zstd'];

/** Header and table of a frame with so many chunks. */
export function frameHeaderBytes(chunkCount: number): number {
  return FRAME_FIXED_BYTES + TABLE_ENTRY_BYTES * chunkCount + CRC_BYTES;
}

/**
 * The header of the frame at the start of `bytes`; undefined if more bytes are needed to tell (`frameNeeds` says how many).
 * Bytes after the header are not looked at. Throws BC_FRAME_MALFORMED, as early as the bytes allow.
 */
export function parseFrameHeader(bytes: Uint8Array): FrameHeader | undefined {
  const fixed = parseFixedPart(bytes);
  if (fixed === undefined || bytes.byteLength < fixed.payloadOffset) return undefined;
  const view = asBuffer(bytes);
  const crcOffset = fixed.payloadOffset - CRC_BYTES;
  if (crc32(view.subarray(0, crcOffset)) !== view.readUInt32LE(crcOffset)) throw malformed('the checksum of its header is wrong');
  return { ...fixed, chunks: parseChunkTable(view.subarray(FRAME_FIXED_BYTES, crcOffset), fixed.rawBytes, 'chunks', malformed) };
}

/** How many bytes from the start of `bytes` on are needed for the next step: the fixed part, the header, or else the whole frame. */
export function frameNeeds(bytes: Uint8Array): { readonly headerBytes: number; readonly storedBytes: number | undefined } {
  const fixed = parseFixedPart(bytes);
  return { headerBytes: fixed?.payloadOffset ?? FRAME_FIXED_BYTES, storedBytes: fixed?.storedBytes };
}

/** Header and table, ready to stand before the payload. */
export function encodeFrameHeader(codec: FrameCodec, chunks: readonly ChunkLength[], rawBytes: number, payload: Uint8Array): Buffer {
  const header = Buffer.alloc(frameHeaderBytes(chunks.length));
  FRAME_MAGIC.copy(header, 0);
  header.writeUInt8(CODECS.indexOf(codec), 4);
  header.writeUInt16LE(chunks.length, 6);
  header.writeUInt32LE(rawBytes, 8);
  header.writeUInt32LE(payload.byteLength, 12);
  header.writeUInt32LE(crc32(payload), 16);
  const crcOffset = writeChunkTable(header, FRAME_FIXED_BYTES, chunks);
  header.writeUInt32LE(crc32(header.subarray(0, crcOffset)), crcOffset);
  return header;
}

export function malformed(what: string, cause?: unknown): BranchcastError {
  return new BranchcastError('BC_FRAME_MALFORMED', `malformed frame: ${what}`, cause === undefined ? {} : { cause });
}

export function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function parseFixedPart(bytes: Uint8Array): FixedPart | undefined {
  const view = asBuffer(bytes);
  if (!FRAME_MAGIC.subarray(0, view.byteLength).equals(view.subarray(0, FRAME_MAGIC.byteLength))) throw malformed('it does not start with BCF1');
  if (view.byteLength < FRAME_FIXED_BYTES) return undefined;
  const codec = CODECS[view.readUInt8(4)];
  if (codec === undefined || view.readUInt8(5) !== 0) throw malformed(`unknown codec ${view.readUInt8(4)}`);
  const chunkCount = view.readUInt16LE(6);
  const rawBytes = view.readUInt32LE(8);
  const payloadBytes = view.readUInt32LE(12);
  if (chunkCount < 1 || chunkCount > FRAME_CHUNKS_MAX) throw malformed(`${chunkCount} chunks`);
  if (rawBytes < chunkCount || rawBytes > FRAME_RAW_BYTES_MAX) throw malformed(`${rawBytes} raw bytes in ${chunkCount} chunks`);
  // Compression that does not save is not used, so a payload is never larger than what it holds.
  const sane = codec === 'stored' ? payloadBytes === rawBytes : payloadBytes > 0 && payloadBytes < rawBytes;
  if (!sane) throw malformed(`${payloadBytes} payload bytes (${codec}) for ${rawBytes} raw bytes`);
  const payloadOffset = frameHeaderBytes(chunkCount);
  const storedBytes = payloadOffset + payloadBytes;
  if (storedBytes > FRAME_STORED_BYTES_MAX) throw malformed(`${storedBytes} bytes, more than ${FRAME_STORED_BYTES_MAX}`);
  return { codec, chunkCount, rawBytes, payloadBytes, payloadCrc: view.readUInt32LE(16), payloadOffset, storedBytes };
}
