/** New chunks as differences to old ones. docs/formats.md, "Delta frame"; docs/decisions/0010-differences.md has the measurements. */
import { constants, zstdCompressSync } from 'node:zlib';
import { freeBytes } from '../base/free-bytes.ts';
import { DELTA_KEPT_SHARE_MAX } from '../base/limits/deltas.ts';
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
 * One delta frame of `chunks` against those of `base` that help, if any; undefined if it does not save enough of `fullBytes`, what they take otherwise. Together they keep to the bounds of a
 * delta frame. Digests are taken at their word.
 */
export function encodeDelta(chunks: readonly Chunk[], base: readonly Chunk[], fullBytes: number): Uint8Array | undefined {
  const raw = rawScratch.joined(chunks.map(({ bytes }) => bytes));
  const bytesMax = fullBytes * DELTA_KEPT_SHARE_MAX;
  const encoded = base.length === 0 ? alone(raw) : against(base, raw, bytesMax);
  if (encoded === undefined || encoded.payload.byteLength >= raw.byteLength) return undefined;
  const { codec, payload, helpful } = encoded;
  const header = encodeDeltaHeader(codec, named(chunks), named(helpful), fullBytes, payload);
  if (header.byteLength + payload.byteLength > bytesMax) return undefined;
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

function against(base: readonly Chunk[], raw: Uint8Array, bytesMax: number): Encoded | undefined {
  const differences = encodeDifferences(raw, baseScratch.joined(base.map(({ bytes }) => bytes)), base.map(({ bytes }) => bytes.byteLength), bytesMax);
  return differences && { codec: 'differences', payload: differences.payload, helpful: base.filter((_, index) => differences.isKept[index]) };
}

function named(chunks: readonly Chunk[]): { digest: Chunk['digest']; bytes: number }[] {
  return chunks.map(({ digest, bytes }) => ({ digest, bytes: bytes.byteLength }));
}
