/** Where nodes end: decided by the hash of the key alone, so that equal sets of keys give equal nodes. docs/formats.md, "Boundaries". */
import type { PathKey } from './entry.ts';

/** One key in 128 ends a node. */
const BOUNDARY_MASK = 127;

/** FNV-1a, 32 bits (Fowler, Noll, Vo; draft-eastlake-fnv). */
export function keyHash(key: PathKey): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < key.length; at += 1) hash = Math.imul(hash ^ (key[at] as number), 0x01000193);
  return hash >>> 0;
}

/** True if a node of `level` (0: a leaf) ends after the key that has this hash. Each level decides anew. */
export function endsNode(hash: number, level: number): boolean {
  // The finaliser of MurmurHash3 (Appleby): FNV alone has poor low bits for short keys.
  let mixed = hash ^ Math.imul(level, 0x9e3779b1);
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  mixed ^= mixed >>> 16;
  return (mixed & BOUNDARY_MASK) === 0;
}

/** The same for the nodes of a chunk list: by the digest of the chunk, or of the child, that comes last. */
export function digestEndsNode(digestFirstByte: number): boolean {
  return (digestFirstByte & BOUNDARY_MASK) === 0;
}
