/** New chunks as differences to old ones. docs/formats.md, "Delta frame"; docs/decisions/0010-differences.md has the measurements. */
import { constants, zstdCompressSync } from 'node:zlib';
import { freeBytes } from '../base/free-bytes.ts';
import { KiB } from '../base/units.ts';
import type { Chunk } from '../store/frame-encode.ts';
import { encodeDeltaHeader, type DeltaCodec } from './delta-header.ts';
import { encodeDifferences } from './differences.ts';
import { Scratch } from './scratch.ts';

/** What has no base: a tenth of what is made for app, a quarter for base. It may cost more. */
const ALONE = { [constants.ZSTD_c_compressionLevel]: 12, [constants.ZSTD_c_windowLog]: 22 };
/** Room for the payload is taken in pieces of this size: most need one. */
const OUTPUT_PIECE_BYTES = 256 * KiB;
/** Filled anew for each delta: megabytes of fresh memory for each would keep the garbage collector busy. */
const rawScratch = new Scratch();
const baseScratch = new Scratch();

/**
 * One delta frame of `chunks` against those of `base` that help, if any; undefined if its payload would not be smaller than what it holds. Together they keep to the bounds of a
 * delta frame. Digests are taken at their word. `fullBytes` is noted in it.
 */
export function encodeDelta(chunks: readonly Chunk[], base: readonly Chunk[], fullBytes: number): Uint8Array | undefined {
  const raw = rawScratch.joined(chunks.map(({ bytes }) => bytes));
  const { codec, payload, helpful } = base.length === 0 ? alone(raw) : against(base, raw);
  if (payload.byteLength >= raw.byteLength) return undefined;
  const header = encodeDeltaHeader(codec, named(chunks), named(helpful), fullBytes, payload);
  const delta = new Uint8Array(header.byteLength + payload.byteLength);
  delta.set(header);
  delta.set(payload, header.byteLength);
  freeBytes(payload);
  return delta;
}

interface Encoded {
  readonly codec: DeltaCodec;
  readonly payload: Uint8Array;
  /** The chunks of the base that it takes to read it. */
  readonly helpful: readonly Chunk[];
}

function alone(raw: Uint8Array): Encoded {
  return { codec: 'zstd', payload: zstdCompressSync(raw, { chunkSize: OUTPUT_PIECE_BYTES, params: ALONE }), helpful: [] };
}

function against(base: readonly Chunk[], raw: Uint8Array): Encoded {
  const { payload, isKept } = encodeDifferences(raw, baseScratch.joined(base.map(({ bytes }) => bytes)), base.map(({ bytes }) => bytes.byteLength));
  return { codec: 'differences', payload, helpful: base.filter((_, index) => isKept[index]) };
}

function named(chunks: readonly Chunk[]): { digest: Chunk['digest']; bytes: number }[] {
  return chunks.map(({ digest, bytes }) => ({ digest, bytes: bytes.byteLength }));
}
