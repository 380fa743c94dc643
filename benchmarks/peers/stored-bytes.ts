/** What a store takes on a disk. */
import { lstatSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

const BLOCK_BYTES = 512;

/** Bytes of all files below `path`, or of the file: of a sparse file what is there, of a small one its length and not the block that it lies in. */
export function storedBytes(path: string): number {
  const stat = lstatSync(path);
  if (!stat.isDirectory()) return Math.min(stat.size, stat.blocks * BLOCK_BYTES);
  return readdirSync(path).reduce((sum, name) => sum + storedBytes(join(path, name)), 0);
}
