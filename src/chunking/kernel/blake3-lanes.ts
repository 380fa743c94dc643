/** BLAKE3's compression of four inputs at a time, one in each 32-bit lane. Almost all the time of a hash is spent here. */
import { BLOCK_BYTES, CHUNK_END, CHUNK_START, CV_BYTES, IV0, IV1, IV2, IV3, IV4, IV5, IV6, IV7, LEAF_BYTES, PARENT, ROUNDS, WORD_ORDERS } from './blake3-constants';

/** The 16 words of a block, each of all four lanes. */
const WORDS: usize = memory.data(256, 16);

/** Chaining values of four whole leaves that stand one after the other at `input`; `leaf` is the number of the first. */
export function hashFourLeaves(input: usize, leaf: u32, cvs: usize): void {
  compressFour(input, LEAF_BYTES, LEAF_BYTES / BLOCK_BYTES, i32x4.add(i32x4.splat(leaf), i32x4(0, 1, 2, 3)), 0, CHUNK_START, CHUNK_END, cvs);
}

/** Chaining values of four parents, whose eight children's chaining values stand one after the other at `children`. */
export function hashFourParents(children: usize, cvs: usize): void {
  compressFour(children, BLOCK_BYTES, 1, i32x4.splat(0), PARENT, 0, 0, cvs);
}

function compressFour(input: usize, laneBytes: usize, blocks: usize, counters: v128, flags: u32, firstFlag: u32, lastFlag: u32, cvs: usize): void {
  let h0 = i32x4.splat(IV0), h1 = i32x4.splat(IV1), h2 = i32x4.splat(IV2), h3 = i32x4.splat(IV3);
  let h4 = i32x4.splat(IV4), h5 = i32x4.splat(IV5), h6 = i32x4.splat(IV6), h7 = i32x4.splat(IV7);
  let blockFlags = flags | firstFlag;
  for (let block: usize = 0; block < blocks; block += 1) {
    if (block + 1 == blocks) blockFlags |= lastFlag;
    for (let at: usize = 0; at < BLOCK_BYTES; at += 16) transposeWords(input + block * BLOCK_BYTES + at, laneBytes, WORDS + at * 4);

    let a0 = h0, a1 = h1, a2 = h2, a3 = h3, b0 = h4, b1 = h5, b2 = h6, b3 = h7;
    let c0 = i32x4.splat(IV0), c1 = i32x4.splat(IV1), c2 = i32x4.splat(IV2), c3 = i32x4.splat(IV3);
    let d0 = counters, d1 = i32x4.splat(0), d2 = i32x4.splat(<u32>BLOCK_BYTES), d3 = i32x4.splat(blockFlags);
    for (let order = WORD_ORDERS; order < WORD_ORDERS + ROUNDS * 16; order += 16) {
      // The columns of the state, then its diagonals.
      a0 = i32x4.add(i32x4.add(a0, b0), word(order, 0)); a1 = i32x4.add(i32x4.add(a1, b1), word(order, 2)); a2 = i32x4.add(i32x4.add(a2, b2), word(order, 4)); a3 = i32x4.add(i32x4.add(a3, b3), word(order, 6));
      d0 = rotate16(v128.xor(d0, a0)); d1 = rotate16(v128.xor(d1, a1)); d2 = rotate16(v128.xor(d2, a2)); d3 = rotate16(v128.xor(d3, a3));
      c0 = i32x4.add(c0, d0); c1 = i32x4.add(c1, d1); c2 = i32x4.add(c2, d2); c3 = i32x4.add(c3, d3);
      b0 = rotate12(v128.xor(b0, c0)); b1 = rotate12(v128.xor(b1, c1)); b2 = rotate12(v128.xor(b2, c2)); b3 = rotate12(v128.xor(b3, c3));
      a0 = i32x4.add(i32x4.add(a0, b0), word(order, 1)); a1 = i32x4.add(i32x4.add(a1, b1), word(order, 3)); a2 = i32x4.add(i32x4.add(a2, b2), word(order, 5)); a3 = i32x4.add(i32x4.add(a3, b3), word(order, 7));
      d0 = rotate8(v128.xor(d0, a0)); d1 = rotate8(v128.xor(d1, a1)); d2 = rotate8(v128.xor(d2, a2)); d3 = rotate8(v128.xor(d3, a3));
      c0 = i32x4.add(c0, d0); c1 = i32x4.add(c1, d1); c2 = i32x4.add(c2, d2); c3 = i32x4.add(c3, d3);
      b0 = rotate7(v128.xor(b0, c0)); b1 = rotate7(v128.xor(b1, c1)); b2 = rotate7(v128.xor(b2, c2)); b3 = rotate7(v128.xor(b3, c3));

      a0 = i32x4.add(i32x4.add(a0, b1), word(order, 8)); a1 = i32x4.add(i32x4.add(a1, b2), word(order, 10)); a2 = i32x4.add(i32x4.add(a2, b3), word(order, 12)); a3 = i32x4.add(i32x4.add(a3, b0), word(order, 14));
      d3 = rotate16(v128.xor(d3, a0)); d0 = rotate16(v128.xor(d0, a1)); d1 = rotate16(v128.xor(d1, a2)); d2 = rotate16(v128.xor(d2, a3));
      c2 = i32x4.add(c2, d3); c3 = i32x4.add(c3, d0); c0 = i32x4.add(c0, d1); c1 = i32x4.add(c1, d2);
      b1 = rotate12(v128.xor(b1, c2)); b2 = rotate12(v128.xor(b2, c3)); b3 = rotate12(v128.xor(b3, c0)); b0 = rotate12(v128.xor(b0, c1));
      a0 = i32x4.add(i32x4.add(a0, b1), word(order, 9)); a1 = i32x4.add(i32x4.add(a1, b2), word(order, 11)); a2 = i32x4.add(i32x4.add(a2, b3), word(order, 13)); a3 = i32x4.add(i32x4.add(a3, b0), word(order, 15));
      d3 = rotate8(v128.xor(d3, a0)); d0 = rotate8(v128.xor(d0, a1)); d1 = rotate8(v128.xor(d1, a2)); d2 = rotate8(v128.xor(d2, a3));
      c2 = i32x4.add(c2, d3); c3 = i32x4.add(c3, d0); c0 = i32x4.add(c0, d1); c1 = i32x4.add(c1, d2);
      b1 = rotate7(v128.xor(b1, c2)); b2 = rotate7(v128.xor(b2, c3)); b3 = rotate7(v128.xor(b3, c0)); b0 = rotate7(v128.xor(b0, c1));
    }
    h0 = v128.xor(a0, c0); h1 = v128.xor(a1, c1); h2 = v128.xor(a2, c2); h3 = v128.xor(a3, c3);
    h4 = v128.xor(b0, d0); h5 = v128.xor(b1, d1); h6 = v128.xor(b2, d2); h7 = v128.xor(b3, d3);
    blockFlags = flags;
  }
  storeLanes(h0, h1, h2, h3, cvs);
  storeLanes(h4, h5, h6, h7, cvs + 16);
}

/** Four words of each of four lanes, from lanes that stand `laneBytes` apart to words that stand side by side. */
// @ts-ignore: decorators on functions are AssemblyScript's
@inline function transposeWords(input: usize, laneBytes: usize, words: usize): void {
  const r0 = v128.load(input), r1 = v128.load(input + laneBytes), r2 = v128.load(input + 2 * laneBytes), r3 = v128.load(input + 3 * laneBytes);
  const low01 = v128.shuffle<i32>(r0, r1, 0, 4, 1, 5), high01 = v128.shuffle<i32>(r0, r1, 2, 6, 3, 7);
  const low23 = v128.shuffle<i32>(r2, r3, 0, 4, 1, 5), high23 = v128.shuffle<i32>(r2, r3, 2, 6, 3, 7);
  v128.store(words, v128.shuffle<i64>(low01, low23, 0, 2));
  v128.store(words + 16, v128.shuffle<i64>(low01, low23, 1, 3));
  v128.store(words + 32, v128.shuffle<i64>(high01, high23, 0, 2));
  v128.store(words + 48, v128.shuffle<i64>(high01, high23, 1, 3));
}

/** The reverse, for half a chaining value. */
// @ts-ignore: decorators on functions are AssemblyScript's
@inline function storeLanes(w0: v128, w1: v128, w2: v128, w3: v128, cvs: usize): void {
  const low01 = v128.shuffle<i32>(w0, w1, 0, 4, 1, 5), high01 = v128.shuffle<i32>(w0, w1, 2, 6, 3, 7);
  const low23 = v128.shuffle<i32>(w2, w3, 0, 4, 1, 5), high23 = v128.shuffle<i32>(w2, w3, 2, 6, 3, 7);
  v128.store(cvs, v128.shuffle<i64>(low01, low23, 0, 2));
  v128.store(cvs + CV_BYTES, v128.shuffle<i64>(low01, low23, 1, 3));
  v128.store(cvs + 2 * CV_BYTES, v128.shuffle<i64>(high01, high23, 0, 2));
  v128.store(cvs + 3 * CV_BYTES, v128.shuffle<i64>(high01, high23, 1, 3));
}

// @ts-ignore: decorators on functions are AssemblyScript's
@inline function word(order: usize, index: usize): v128 {
  return v128.load(WORDS + ((<usize>load<u8>(order + index)) << 4));
}

// Measured in V8: the shuffle is the faster way to rotate by 16 only; by 8 it costs a table load each time.
// @ts-ignore: decorators on functions are AssemblyScript's
@inline function rotate16(x: v128): v128 {
  return v128.shuffle<i16>(x, x, 1, 0, 3, 2, 5, 4, 7, 6);
}

// @ts-ignore: decorators on functions are AssemblyScript's
@inline function rotate12(x: v128): v128 {
  return v128.or(i32x4.shr_u(x, 12), i32x4.shl(x, 20));
}

// @ts-ignore: decorators on functions are AssemblyScript's
@inline function rotate8(x: v128): v128 {
  return v128.or(i32x4.shr_u(x, 8), i32x4.shl(x, 24));
}

// @ts-ignore: decorators on functions are AssemblyScript's
@inline function rotate7(x: v128): v128 {
  return v128.or(i32x4.shr_u(x, 7), i32x4.shl(x, 25));
}
