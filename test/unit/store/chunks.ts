/** Bytes for store tests: the same in every run. */
import { hash } from '../../../src/chunking/hash.ts';
import type { Chunk } from '../../../src/store/frame-encode.ts';

/** Bytes that do not compress: xorshift32 (Marsaglia 2003) from a seed. */
export function noise(length: number, seed = 1): Buffer {
  const words = new Uint32Array(Math.ceil(length / 4));
  let x = Math.imul(seed, 0x9e3779b1) | 1;
  for (let i = 0; i < words.length; i += 1) {
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    words[i] = x;
  }
  return Buffer.from(words.buffer, 0, length);
}

/** Bytes that compress about as well as source code. */
export function prose(length: number, seed = 1): Buffer {
  const words = ['layer ', 'chunk ', 'frame ', 'pack ', 'site ', 'branch ', 'manifest ', 'root '];
  const picks = noise(length, seed);
  return Buffer.from(Array.from(picks.subarray(0, Math.ceil(length / 5)), (pick) => words[pick & 7]).join('').slice(0, length));
}

export function chunkOf(bytes: Uint8Array): Chunk {
  return { digest: hash(bytes), bytes };
}

/** `count` different chunks of `bytes` bytes that do not compress. */
export function noiseChunks(count: number, bytes: number, seed = 1): Chunk[] {
  return Array.from({ length: count }, (_, i) => chunkOf(noise(bytes, seed * 100_003 + i)));
}

/** Chunks as `t.same` compares and shows them. */
export function plain(list: readonly Chunk[]): [string, string][] {
  return list.map((chunk) => [chunk.digest, Buffer.from(chunk.bytes).toString('hex')]);
}

/** Fields of forged headers, little-endian. */
export function u16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16LE(value);
  return bytes;
}

export function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}
