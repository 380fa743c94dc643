/** What the writer of the kill test writes, as a function of a number, so that the test can tell what it should read. */
import type { Chunk } from '../../src/store/frame-encode.ts';
import { noiseChunks } from '../unit/store/chunks.ts';

/** Frames of 1 to 4 chunks and some hundred bytes to 30 KiB. */
export function writtenChunks(seed: number): Chunk[] {
  const mixed = Math.imul(seed, 0x9e3779b1) >>> 0;
  return noiseChunks(1 + (mixed & 3), 200 + (mixed >>> 19), seed);
}
