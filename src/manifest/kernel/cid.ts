/** CIDs in DAG-CBOR, by the bytes that all of a kind have. */
import { leaveToOthers } from './cbor-head';

/** Tag 42, 37 bytes, identity multibase prefix, CIDv1: as they stand, the first lowest. */
const CID_HEADER: u64 = 0x010025582ad8;
const CID_HEADER_MASK: u64 = 0xffffffffffff;
/** Codec, blake3, 32. */
export const RAW_BLAKE3: u32 = 0x201e55;
export const DAG_CBOR_BLAKE3: u32 = 0x201e71;
const CID_TAIL_MASK: u32 = 0xffffff;
const CID_HEADER_BYTES: usize = 6;
export const CID_DIGEST_AT: usize = 9;
const DIGEST_BYTES: usize = 32;
export const CID_BYTES: usize = CID_DIGEST_AT + DIGEST_BYTES;

// @ts-ignore: decorators on functions are AssemblyScript's
@inline export function checkCid(at: usize, tail: u32): void {
  if ((load<u64>(at) & CID_HEADER_MASK) != CID_HEADER || (load<u32>(at, CID_HEADER_BYTES) & CID_TAIL_MASK) != tail) leaveToOthers();
}
