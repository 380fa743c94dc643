/** Input of the chunking vectors: bytes that any language can make again from a seed. */

/** xorshift32 (Marsaglia, 2003: shifts 13, 17, 5) from a seed that is not 0; each step's number is four bytes, little-endian. */
export function seededBytes(seed: number, lengthBytes: number): Uint8Array {
  const words = new Int32Array(Math.ceil(lengthBytes / 4));
  let state = seed | 0;
  for (let i = 0; i < words.length; i += 1) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    words[i] = state;
  }
  return new Uint8Array(words.buffer, 0, lengthBytes);
}

/** `unit` again and again. */
export function repeatedBytes(unit: Uint8Array, lengthBytes: number): Uint8Array {
  return new Uint8Array(Buffer.alloc(lengthBytes, unit));
}
