/**
 * The hash kernel, in AssemblyScript: BLAKE3-256 of one input in memory. `npm run build:kernel` compiles it to
 * ../blake3.wasm.gen.ts; ../wasm-blake3.ts is the side that callers see. The input stands at INPUT; the digest comes to OUTPUT.
 */
import { compressBlock } from './blake3-block';
import { BLOCK_BYTES, CHUNK_END, CHUNK_START, CV_BYTES, IV0, IV1, IV2, IV3, IV4, IV5, IV6, IV7, LEAF_BYTES, PARENT, ROOT } from './blake3-constants';
import { hashFourLeaves, hashFourParents } from './blake3-lanes';

const LANES: usize = 4;
/** A multiple of what four lanes take, so that lanes that are not wanted read memory that is there. */
export const INPUT_BYTES_MAX: usize = 1 << 20;

/** Chaining values of one level of the tree. At the end the first is the digest. */
const CVS: usize = memory.data(32 * 1024, 16);
/** The last block of a leaf, with zeros behind it. */
const LAST_BLOCK: usize = memory.data(64, 16);

export const INPUT: usize = 1 << 16;
export const OUTPUT: usize = CVS;

/** `bytes` is 0 to INPUT_BYTES_MAX. */
export function hash(bytes: usize): void {
  if (bytes <= LEAF_BYTES) {
    hashLeaf(INPUT, bytes, 0, ROOT, CVS);
    return;
  }
  let count = hashLeaves(bytes);
  while (count > 2) count = hashParents(count);
  const root = LAST_BLOCK;
  memory.copy(root, CVS, BLOCK_BYTES);
  setInitialValue(CVS);
  compressBlock(CVS, root, <u32>BLOCK_BYTES, 0, PARENT | ROOT);
}

/** How many chaining values stand in CVS then. */
function hashLeaves(bytes: usize): usize {
  const whole = bytes / LEAF_BYTES;
  let leaf: usize = 0;
  // Two lanes of four wasted are still faster than two leaves one by one.
  for (; leaf + 2 <= whole; leaf += LANES) hashFourLeaves(INPUT + leaf * LEAF_BYTES, <u32>leaf, CVS + leaf * CV_BYTES);
  leaf = min(leaf, whole);
  for (; leaf * LEAF_BYTES < bytes; leaf += 1) {
    const start = leaf * LEAF_BYTES;
    hashLeaf(INPUT + start, min(bytes - start, LEAF_BYTES), <u32>leaf, 0, CVS + leaf * CV_BYTES);
  }
  return leaf;
}

/**
 * One level up: two neighbours have a parent, and one that is left over goes up as it is. That is the tree of section 2.1, whose left
 * subtrees are full.
 */
function hashParents(count: usize): usize {
  const parents = count / 2;
  const oddLow = v128.load(CVS + (count - 1) * CV_BYTES);
  const oddHigh = v128.load(CVS + (count - 1) * CV_BYTES, 16);
  // In place: four parents stand where the first of their children stood, or before it.
  for (let parent: usize = 0; parent < parents; parent += LANES) hashFourParents(CVS + parent * 2 * CV_BYTES, CVS + parent * CV_BYTES);
  if (parents * 2 == count) return parents;
  v128.store(CVS + parents * CV_BYTES, oddLow);
  v128.store(CVS + parents * CV_BYTES, oddHigh, 16);
  return parents + 1;
}

/** One leaf of 0 to LEAF_BYTES bytes. */
function hashLeaf(start: usize, bytes: usize, leaf: u32, rootFlag: u32, cv: usize): void {
  setInitialValue(cv);
  let flags = CHUNK_START;
  let at: usize = 0;
  for (; at + BLOCK_BYTES < bytes; at += BLOCK_BYTES) {
    compressBlock(cv, start + at, <u32>BLOCK_BYTES, leaf, flags);
    flags = 0;
  }
  memory.fill(LAST_BLOCK, 0, BLOCK_BYTES);
  memory.copy(LAST_BLOCK, start + at, bytes - at);
  compressBlock(cv, LAST_BLOCK, <u32>(bytes - at), leaf, flags | CHUNK_END | rootFlag);
}

function setInitialValue(cv: usize): void {
  v128.store(cv, i32x4(IV0, IV1, IV2, IV3));
  v128.store(cv, i32x4(IV4, IV5, IV6, IV7), 16);
}
