/** The chunk table of a leaf. */
import { head, headBytes, isPlain, leaveToOthers } from './cbor-head';
import { checkCid, CID_BYTES, CID_DIGEST_AT, RAW_BLAKE3 } from './cid';

export const CHUNK_BYTES_MAX: u32 = 1048576;

/** Chunks from `at` on: none may stand in the table twice. Answers where it ends. */
export function readChunks(node: usize, at: usize, chunkCount: u32, digestsAt: usize, lengths: usize, slots: usize): usize {
  const slotMask: u32 = chunkCount == 0 ? 0 : (<u32>1 << (33 - clz(chunkCount))) - 1;
  memory.fill(slots, 0, <usize>(slotMask + 1) << 2);
  for (let index: u32 = 0; index < chunkCount; index += 1) {
    if (load<u8>(at) != 0x82) leaveToOthers();
    checkCid(at + 1, RAW_BLAKE3);
    const digestAt = at + 1 + CID_DIGEST_AT;
    at += 1 + CID_BYTES;
    const length = head(at, 0);
    at += headBytes(at);
    if (length == 0 || length > CHUNK_BYTES_MAX) leaveToOthers();
    if (!isPlain) break;
    store<u32>(digestsAt + (index << 2), <u32>(digestAt - node));
    store<u32>(lengths + (index << 2), length);
    // Open addressing, linear probing; digests are uniform, so their first bytes are the hash. A slot holds a number and 1, 0 is free.
    let slot = load<u32>(digestAt) & slotMask;
    for (let taken = load<u32>(slots + (slot << 2)); taken != 0; taken = load<u32>(slots + (slot << 2))) {
      if (isSameDigest(digestAt, node + load<u32>(digestsAt + ((taken - 1) << 2)))) leaveToOthers();
      slot = (slot + 1) & slotMask;
    }
    store<u32>(slots + (slot << 2), index + 1);
  }
  return at;
}

// @ts-ignore: decorators on functions are AssemblyScript's
@inline function isSameDigest(a: usize, b: usize): bool {
  return load<u64>(a) == load<u64>(b) && load<u64>(a, 8) == load<u64>(b, 8) && load<u64>(a, 16) == load<u64>(b, 16) && load<u64>(a, 24) == load<u64>(b, 24);
}
