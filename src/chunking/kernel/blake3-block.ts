/** BLAKE3's compression of one block, the state's four rows in a vector each: for what is too short for four lanes, and the root. */
import { IV0, IV1, IV2, IV3, ROUNDS, WORD_ORDERS } from './blake3-constants';

/** Compresses the block of 64 bytes, of which `blockBytes` count, into the chaining value at `cv`. */
export function compressBlock(cv: usize, block: usize, blockBytes: u32, counter: u32, flags: u32): void {
  let a = v128.load(cv);
  let b = v128.load(cv, 16);
  let c = i32x4(IV0, IV1, IV2, IV3);
  let d = i32x4(counter, 0, blockBytes, flags);
  for (let order = WORD_ORDERS; order < WORD_ORDERS + ROUNDS * 16; order += 16) {
    a = i32x4.add(i32x4.add(a, b), words(block, order));
    d = rotate(v128.xor(d, a), 16);
    c = i32x4.add(c, d);
    b = rotate(v128.xor(b, c), 12);
    a = i32x4.add(i32x4.add(a, b), words(block, order + 1));
    d = rotate(v128.xor(d, a), 8);
    c = i32x4.add(c, d);
    b = rotate(v128.xor(b, c), 7);
    // The diagonals become columns, and afterwards diagonals again.
    b = v128.shuffle<i32>(b, b, 1, 2, 3, 0);
    c = v128.shuffle<i32>(c, c, 2, 3, 0, 1);
    d = v128.shuffle<i32>(d, d, 3, 0, 1, 2);
    a = i32x4.add(i32x4.add(a, b), words(block, order + 8));
    d = rotate(v128.xor(d, a), 16);
    c = i32x4.add(c, d);
    b = rotate(v128.xor(b, c), 12);
    a = i32x4.add(i32x4.add(a, b), words(block, order + 9));
    d = rotate(v128.xor(d, a), 8);
    c = i32x4.add(c, d);
    b = rotate(v128.xor(b, c), 7);
    b = v128.shuffle<i32>(b, b, 3, 0, 1, 2);
    c = v128.shuffle<i32>(c, c, 2, 3, 0, 1);
    d = v128.shuffle<i32>(d, d, 1, 2, 3, 0);
  }
  v128.store(cv, v128.xor(a, c));
  v128.store(cv, v128.xor(b, d), 16);
}

/** Every other word of an order: what the four columns take at one step. */
// @ts-ignore: decorators on functions are AssemblyScript's
@inline function words(block: usize, order: usize): v128 {
  let vector = v128.load32_zero(wordAt(block, order));
  vector = v128.load32_lane(wordAt(block, order + 2), vector, 1);
  vector = v128.load32_lane(wordAt(block, order + 4), vector, 2);
  return v128.load32_lane(wordAt(block, order + 6), vector, 3);
}

// @ts-ignore: decorators on functions are AssemblyScript's
@inline function wordAt(block: usize, order: usize): usize {
  return block + ((<usize>load<u8>(order)) << 2);
}

// @ts-ignore: decorators on functions are AssemblyScript's
@inline function rotate(x: v128, count: i32): v128 {
  return v128.or(i32x4.shr_u(x, count), i32x4.shl(x, 32 - count));
}
