/** Constants of the BLAKE3 specification (O'Connor, Aumasson, Neves, Wilcox-O'Hearn, 2020), by its section numbers. */

/** 2.1: the input is split into leaves ("chunks" there), compressed block by block. */
export const LEAF_BYTES: usize = 1024;
export const BLOCK_BYTES: usize = 64;
export const CV_BYTES: usize = 32;

/** 2.2, table 1: the initial chaining value. */
export const IV0: u32 = 0x6a09e667;
export const IV1: u32 = 0xbb67ae85;
export const IV2: u32 = 0x3c6ef372;
export const IV3: u32 = 0xa54ff53a;
export const IV4: u32 = 0x510e527f;
export const IV5: u32 = 0x9b05688c;
export const IV6: u32 = 0x1f83d9ab;
export const IV7: u32 = 0x5be0cd19;

/** 2.2, table 3: what a block is. "Chunk" is the specification's word for a leaf. */
export const CHUNK_START: u32 = 1;
export const CHUNK_END: u32 = 2;
export const PARENT: u32 = 4;
export const ROOT: u32 = 8;

export const ROUNDS: usize = 7;

/** 2.2, table 2: the permutation of the message words, applied again for each round: the order of words in round r stands at 16 r. */
// prettier-ignore
export const WORD_ORDERS: usize = memory.data<u8>([
  0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15,
  2, 6, 3, 10, 7, 0, 4, 13, 1, 11, 12, 5, 9, 14, 15, 8,
  3, 4, 10, 12, 13, 2, 7, 14, 6, 5, 9, 0, 11, 15, 8, 1,
  10, 7, 12, 9, 14, 3, 13, 15, 4, 0, 11, 2, 5, 8, 1, 6,
  12, 13, 9, 11, 15, 10, 14, 8, 7, 2, 5, 3, 0, 1, 6, 4,
  9, 14, 11, 5, 8, 12, 15, 1, 13, 3, 0, 10, 2, 6, 4, 7,
  11, 15, 5, 0, 1, 9, 8, 6, 14, 10, 2, 12, 3, 4, 7, 13,
]);
