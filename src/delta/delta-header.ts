/** The header of a delta frame: what is in it and what it is against, before a byte of its payload is touched. docs/formats.md, "Delta frame". */
import { crc32 } from 'node:zlib';
import { BranchcastError } from '../base/errors.ts';
import { DELTA_BASE_BYTES_MAX, DELTA_BASE_CHUNKS_MAX, DELTA_CHUNKS_MAX, DELTA_RAW_BYTES_MAX } from '../base/limits/deltas.ts';
import { parseChunkTable, TABLE_ENTRY_BYTES, writeChunkTable, type ChunkLength, type FrameChunk } from '../store/chunk-table.ts';
import { asBuffer } from '../store/frame-header.ts';

export interface DeltaHeader {
  readonly codec: DeltaCodec;
  /** What it brings, in payload order; no digest twice. */
  readonly chunks: readonly FrameChunk[];
  /** Whole old chunks whose bytes, one after the other, are the dictionary; no digest twice. Without any there is none. */
  readonly base: readonly ChunkLength[];
  /** Sums of their lengths. */
  readonly rawBytes: number;
  readonly baseBytes: number;
  /** What the chunks take as the core stores them: the delta stands in for so many bytes. For counts only. */
  readonly fullBytes: number;
  readonly payloadBytes: number;
  readonly payloadCrc: number;
  readonly payloadOffset: number;
  /** The whole delta frame. */
  readonly deltaBytes: number;
}

type FixedPart = Omit<DeltaHeader, 'chunks' | 'base'> & { readonly chunkCount: number; readonly baseCount: number };

const MAGIC = Buffer.from('BCD1', 'latin1');
/** `zstd` (RFC 8878), with the base as its dictionary of raw content; `differences` to the base. */
const CODECS = { zstd: 1, differences: 2 } as const;
export type DeltaCodec = keyof typeof CODECS;
export const DELTA_FIXED_BYTES = 32;
const CRC_BYTES = 4;

/** The header of the delta frame at the start of `bytes`; undefined if more bytes are needed to tell. Throws BC_FRAME_MALFORMED. */
export function parseDeltaHeader(bytes: Uint8Array): DeltaHeader | undefined {
  const fixed = parseFixedPart(bytes);
  if (fixed === undefined || bytes.byteLength < fixed.payloadOffset) return undefined;
  const view = asBuffer(bytes);
  const crcOffset = fixed.payloadOffset - CRC_BYTES;
  if (crc32(view.subarray(0, crcOffset)) !== view.readUInt32LE(crcOffset)) throw malformedDelta('the checksum of its header is wrong');
  const baseOffset = DELTA_FIXED_BYTES + TABLE_ENTRY_BYTES * fixed.chunkCount;
  return {
    ...fixed,
    chunks: parseChunkTable(view.subarray(DELTA_FIXED_BYTES, baseOffset), fixed.rawBytes, 'chunks', malformedDelta),
    base: parseChunkTable(view.subarray(baseOffset, crcOffset), fixed.baseBytes, 'base', malformedDelta),
  };
}

/** How many bytes from the start of `bytes` on are needed for the next step: the fixed part, the header, or else all of it. */
export function deltaNeeds(bytes: Uint8Array): { readonly headerBytes: number; readonly storedBytes: number | undefined } {
  const fixed = parseFixedPart(bytes);
  return { headerBytes: fixed?.payloadOffset ?? DELTA_FIXED_BYTES, storedBytes: fixed?.deltaBytes };
}

/** Everything before the payload. */
export function encodeDeltaHeader(codec: DeltaCodec, chunks: readonly ChunkLength[], base: readonly ChunkLength[], fullBytes: number, payload: Uint8Array): Buffer {
  const header = Buffer.alloc(headerBytes(chunks.length, base.length));
  MAGIC.copy(header, 0);
  header.writeUInt8(CODECS[codec], 4);
  header.writeUInt16LE(chunks.length, 6);
  header.writeUInt16LE(base.length, 8);
  header.writeUInt32LE(sumOf(chunks), 12);
  header.writeUInt32LE(sumOf(base), 16);
  header.writeUInt32LE(fullBytes, 20);
  header.writeUInt32LE(payload.byteLength, 24);
  header.writeUInt32LE(crc32(payload), 28);
  const crcOffset = writeChunkTable(header, writeChunkTable(header, DELTA_FIXED_BYTES, chunks), base);
  header.writeUInt32LE(crc32(header.subarray(0, crcOffset)), crcOffset);
  return header;
}

export function malformedDelta(what: string, cause?: unknown): BranchcastError {
  return new BranchcastError('BC_FRAME_MALFORMED', `malformed delta frame: ${what}`, cause === undefined ? {} : { cause });
}

function headerBytes(chunkCount: number, baseCount: number): number {
  return DELTA_FIXED_BYTES + TABLE_ENTRY_BYTES * (chunkCount + baseCount) + CRC_BYTES;
}

function sumOf(chunks: readonly ChunkLength[]): number {
  return chunks.reduce((sum, { bytes }) => sum + bytes, 0);
}

function parseFixedPart(bytes: Uint8Array): FixedPart | undefined {
  const view = asBuffer(bytes);
  if (!MAGIC.subarray(0, view.byteLength).equals(view.subarray(0, MAGIC.byteLength))) throw malformedDelta('it does not start with BCD1');
  if (view.byteLength < DELTA_FIXED_BYTES) return undefined;
  const codec = codecOf(view.readUInt8(4));
  if (codec === undefined || view.readUInt8(5) !== 0 || view.readUInt16LE(10) !== 0) throw malformedDelta(`unknown codec ${view.readUInt8(4)}`);
  const chunkCount = view.readUInt16LE(6);
  const baseCount = view.readUInt16LE(8);
  const rawBytes = view.readUInt32LE(12);
  const baseBytes = view.readUInt32LE(16);
  const payloadBytes = view.readUInt32LE(24);
  if (chunkCount < 1 || chunkCount > DELTA_CHUNKS_MAX || baseCount > DELTA_BASE_CHUNKS_MAX) throw malformedDelta(`${chunkCount} chunks against ${baseCount}`);
  if (rawBytes > DELTA_RAW_BYTES_MAX || baseBytes > DELTA_BASE_BYTES_MAX) throw malformedDelta(`${rawBytes} raw bytes against ${baseBytes}`);
  // One that saves nothing is not made.
  if (payloadBytes < 1 || payloadBytes >= rawBytes) throw malformedDelta(`${payloadBytes} payload bytes for ${rawBytes} raw bytes`);
  const payloadOffset = headerBytes(chunkCount, baseCount);
  return { codec, chunkCount, baseCount, rawBytes, baseBytes, fullBytes: view.readUInt32LE(20), payloadBytes, payloadCrc: view.readUInt32LE(28), payloadOffset, deltaBytes: payloadOffset + payloadBytes };
}

function codecOf(number: number): DeltaCodec | undefined {
  return (Object.keys(CODECS) as DeltaCodec[]).find((codec) => CODECS[codec] === number);
}
