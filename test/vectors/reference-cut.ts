/**
 * docs/formats.md, "Chunking: gear64-1", word by word and one byte at a time, to hold the kernel against. Slow, and meant to be.
 */
import type { ChunkerParams } from '../../src/chunking/params.ts';

export function readGearTable(bytes: Uint8Array): readonly bigint[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Array.from({ length: 256 }, (_, index) => view.getBigUint64(index * 8, true));
}

/** Lengths of the chunks of a whole large file. */
export function referenceCuts(file: Uint8Array, params: ChunkerParams, gear: readonly bigint[]): number[] {
  const lengths: number[] = [];
  for (let start = 0; start < file.length; start += lengths.at(-1) ?? 0) {
    lengths.push(referenceChunkBytes(file.subarray(start), params, gear));
  }
  return lengths;
}

function referenceChunkBytes(rest: Uint8Array, params: ChunkerParams, gear: readonly bigint[]): number {
  const bits = Math.log2(params.avgBytes);
  const maskSmall = topBits(bits + 2);
  const maskLarge = topBits(bits - 2);
  let h = 0n;
  for (let i = params.minBytes - 64; i < rest.length && i < params.maxBytes; i += 1) {
    h = step(h, rest[i], gear);
    if (i < params.minBytes) continue;
    if (i < params.avgBytes && (h & maskSmall) === 0n) return i + 1;
    if (i >= params.avgBytes && (h & maskLarge) === 0n) return i + 1;
  }
  return Math.min(rest.length, params.maxBytes);
}

/** Whether a small file is a hit. */
export function referenceHits(file: Uint8Array, params: ChunkerParams, gear: readonly bigint[]): boolean {
  const maskBundle = topBits(Math.log2(params.avgBytes));
  let h = 0n;
  for (const byte of file) {
    h = step(h, byte, gear);
    if ((h & maskBundle) === 0n) return true;
  }
  return false;
}

function step(h: bigint, byte: number | undefined, gear: readonly bigint[]): bigint {
  return BigInt.asUintN(64, (h << 1n) + (gear[byte ?? 0] ?? 0n));
}

function topBits(count: number): bigint {
  return ((1n << BigInt(count)) - 1n) << BigInt(64 - count);
}
