/** New chunks, compressed against old ones. docs/formats.md, "Delta frame"; docs/decisions/0005-deltas.md has the measurements. */
import { constants, zstdCompressSync } from 'node:zlib';
import { freeBytes } from '../base/free-bytes.ts';
import { KiB } from '../base/units.ts';
import type { Chunk } from '../store/frame-encode.ts';
import { encodeDeltaHeader } from './delta-header.ts';
import { isFormattedDictionary } from './raw-dictionary.ts';
import { Scratch } from './scratch.ts';

/**
 * The tables must have room for base and chunks together: with the level's own small ones a dictionary overwrites itself and helps half as much. Short
 * matches are not looked for: old bytes are found in long runs, and what is found in short ones breaks them up. (With 7 as the least, nothing is found for input
 * below 16 KiB; above, as much as with 6.) The window covers a base of 2 MiB and as much after it.
 */
const AGAINST_BASE = {
  [constants.ZSTD_c_compressionLevel]: 5,
  [constants.ZSTD_c_windowLog]: 22,
  [constants.ZSTD_c_hashLog]: 20,
  [constants.ZSTD_c_chainLog]: 20,
  [constants.ZSTD_c_minMatch]: 6,
};
/** A tenth of what is made for app, a quarter for base: it may cost more. */
const ALONE = { [constants.ZSTD_c_compressionLevel]: 12, [constants.ZSTD_c_windowLog]: 22 };
/** Room for the payload is taken in pieces of this size: most need one. */
const OUTPUT_PIECE_BYTES = 256 * KiB;
/** Filled anew for each delta: megabytes of fresh memory for each would keep the garbage collector busy. */
const rawScratch = new Scratch();
const baseScratch = new Scratch();

/**
 * One delta frame of `chunks` against `base`, which may be empty, within the bounds of a delta frame; undefined if its payload would not be smaller than what it holds.
 * Digests are taken at their word. `fullBytes` is noted in it.
 */
export function encodeDelta(chunks: readonly Chunk[], base: readonly Chunk[], fullBytes: number): Uint8Array | undefined {
  const raw = rawScratch.joined(chunks.map(({ bytes }) => bytes));
  const dictionary = baseScratch.joined(base.map(({ bytes }) => bytes));
  if (isFormattedDictionary(dictionary)) return undefined;
  const how = base.length === 0 ? { params: ALONE } : { dictionary, params: AGAINST_BASE };
  const payload = zstdCompressSync(raw, { chunkSize: OUTPUT_PIECE_BYTES, ...how });
  if (payload.byteLength >= raw.byteLength) return undefined;
  const header = encodeDeltaHeader(named(chunks), named(base), fullBytes, payload);
  const delta = new Uint8Array(header.byteLength + payload.byteLength);
  delta.set(header);
  delta.set(payload, header.byteLength);
  freeBytes(payload);
  return delta;
}

function named(chunks: readonly Chunk[]): { digest: Chunk['digest']; bytes: number }[] {
  return chunks.map(({ digest, bytes }) => ({ digest, bytes: bytes.byteLength }));
}
