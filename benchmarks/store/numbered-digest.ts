/** Digests of no content: repeatable, and as scattered as real ones. */
import { DIGEST_BYTES, digestFromBytes, type Digest } from '../../src/chunking/digest.ts';

/** Differs for every `number` below 2^32: its first word is a bijection of it (the finaliser of xxhash32). */
export function numberedDigest(number: number): Digest {
  const words = new Uint32Array(DIGEST_BYTES / 4);
  for (let word = 0; word < words.length; word += 1) words[word] = scatter(number + word * 0x9e3779b9);
  return digestFromBytes(new Uint8Array(words.buffer));
}

function scatter(number: number): number {
  let x = number | 0;
  x = Math.imul(x ^ (x >>> 15), 0x85ebca77);
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae3d);
  return x ^ (x >>> 16);
}
