/**
 * The leaf kernel, in AssemblyScript: reads a leaf of the tree as ../read-leaf.ts does, if it is plain. `npm run build:kernel` compiles it to
 * ../leaf-kernel.wasm.gen.ts; ../leaf-kernel.ts is the side that callers see and owns the layout of the memory.
 *
 * It refuses nothing: what is wrong or rare (hardlinks, devices, holes, xattrs) it leaves to ../read-leaf.ts, which says what is wrong. So an item that is not as it must be only makes
 * `isPlain` false. Nothing is checked against the end of the node on the way: places only grow, so that all that was read lies before the last one, and that must be the end. How far a
 * node may lead beyond its end until then is bounded by what one entry may take.
 *
 * The bounds are those of ../../base/limits/manifests.ts and ../entry-ranges.ts; a test holds both to each other.
 */

import { begin, head, headBytes, isPlain, leaveToOthers, SAFE_INTEGER_MAX, wideHead } from './cbor-head';
import { readChunks } from './chunk-table';
import { checkCid, CID_BYTES, CID_DIGEST_AT, DAG_CBOR_BLAKE3 } from './cid';
import { readKey } from './key';

export { CHUNK_BYTES_MAX } from './chunk-table';
export { NAME_BYTES_MAX } from './key';

export const NODE_ENTRIES_MAX: u32 = 4096;
export const INLINE_PIECES_MAX: u32 = 16;
export const PATH_BYTES_MAX: u32 = 4096;
export const LINK_TARGET_BYTES_MAX: u32 = 4095;
export const MODE_MAX: u32 = 0o7777;
export const OWNER_ID_MAX: u32 = 4294967294;
export const NANOS_MAX: u32 = 999999999;

const FILE: u32 = 0;
const DIRECTORY: u32 = 1;
const SYMLINK: u32 = 2;
const FIFO: u32 = 6;

const NUL: u8 = 0;
const NULL: u8 = 0xf6;
const TAG: u8 = 0xd8;

/** What is written before all else: bytes of files, how many chunks and entries, bytes of keys, whether files have chunk lists. */
const HEADER_BYTES: usize = 24;
const PLACES_BYTES: usize = 24;

/**
 * Reads what follows `[1, 1,` from `from` on, up to `end`; places are told from `node` on. Written to `out`, one after the other: the header, where the chunks' digests stand, their lengths, where
 * the keys end, the places of the entries, the keys. There is room for what NODE_ENTRIES_MAX entries and `chunksMax` chunks take, `keyBytesMax`, and one key more;
 * in `slots` for twice as many numbers as there may be chunks, rounded up to a power of two. Answers where the output ends; 0 if the leaf is left to others.
 */
export function readLeaf(node: usize, from: usize, end: usize, out: usize, chunksMax: u32, keyBytesMax: usize, slots: usize): usize {
  begin();
  const chunkCount = head(from, 0x80);
  let at = from + headBytes(from);
  if (!isPlain || chunkCount > chunksMax) return 0;
  const digestsAt = out + HEADER_BYTES;
  const lengths = digestsAt + (chunkCount << 2);
  const keyEnds = lengths + (chunkCount << 2);
  at = readChunks(node, at, chunkCount, digestsAt, lengths, slots);
  if (!isPlain || at > end) return 0;
  const entryCount = head(at, 0x80);
  at += headBytes(at);
  if (!isPlain || entryCount == 0 || entryCount > NODE_ENTRIES_MAX) return 0;
  let place = keyEnds + (entryCount << 2);
  const keys = place + entryCount * PLACES_BYTES;

  let usedChunks: u32 = 0;
  let logicalBytes: u64 = 0;
  let hasLists: u32 = 0;
  let previous: usize = keys;
  let key: usize = keys;
  for (let index: u32 = 0; index < entryCount; index += 1) {
    if (load<u8>(at) != 0x85) return 0;
    at += 1;
    const shared = <usize>head(at, 0);
    at += headBytes(at);
    const suffixBytes = <usize>head(at, 0x40);
    at += headBytes(at);
    const keyEnd = key + shared + suffixBytes;
    if (!isPlain || shared > key - previous || keyEnd - key > PATH_BYTES_MAX || keyEnd - keys > keyBytesMax) return 0;
    if (!readKey(previous, key, shared, at, suffixBytes, index == 0)) return 0;
    at += suffixBytes;
    store<u32>(keyEnds + (index << 2), <u32>(keyEnd - keys));
    previous = key;
    key = keyEnd;

    store<u32>(place, <u32>(at - node));
    const type = load<u8>(at);
    at = readMetadata(at + 1);
    store<u32>(place, <u32>(at - node), 4);
    let piecesAt: usize = 0;
    let listAt: usize = 0;
    if (type == FILE) {
      if (load<u8>(at) != 0x82) return 0;
      at += 1;
      const sizeBytes = wideHead(at, 0);
      at += headBytes(at);
      logicalBytes += sizeBytes;
      if (logicalBytes > SAFE_INTEGER_MAX) return 0;
      if (load<u8>(at) == TAG) {
        checkCid(at, DAG_CBOR_BLAKE3);
        listAt = at + CID_DIGEST_AT - node;
        at += CID_BYTES;
        hasLists = 1;
      } else {
        piecesAt = at - node;
        const items = head(at, 0x80);
        at += headBytes(at);
        if (!isPlain || items % 3 != 0 || items > 3 * INLINE_PIECES_MAX) return 0;
        let pieceBytes: u64 = 0;
        for (let item: u32 = 0; item < items; item += 3) {
          const chunk = head(at, 0);
          at += headBytes(at);
          // Each is used first when all before it are.
          if (chunk >= chunkCount || chunk > usedChunks) return 0;
          if (chunk == usedChunks) usedChunks += 1;
          const chunkBytes = load<u32>(lengths + (chunk << 2));
          const offset = head(at, 0);
          at += headBytes(at);
          const length = head(at, 0);
          at += headBytes(at);
          if (offset > chunkBytes || length == 0 || length > chunkBytes - offset) return 0;
          pieceBytes += length;
        }
        if (pieceBytes != sizeBytes) return 0;
      }
    } else if (type == DIRECTORY || type == FIFO) {
      if (load<u8>(at) != NULL) return 0;
      at += 1;
    } else if (type == SYMLINK) {
      const length = head(at, 0x40);
      at += headBytes(at);
      if (length == 0 || length > LINK_TARGET_BYTES_MAX) return 0;
      for (let byte: usize = 0; byte < <usize>length; byte += 1) if (load<u8>(at + byte) == NUL) return 0;
      at += length;
    } else return 0;
    if (!isPlain || at > end) return 0;
    store<u32>(place, <u32>(at - node), 8);
    store<u32>(place, <u32>(at - node), 12);
    store<u32>(place, <u32>piecesAt, 16);
    store<u32>(place, <u32>listAt, 20);
    place += PLACES_BYTES;
  }
  if (usedChunks != chunkCount || at != end) return 0;
  store<f64>(out, <f64>logicalBytes);
  store<u32>(out, chunkCount, 8);
  store<u32>(out, entryCount, 12);
  store<u32>(out, <u32>(key - keys), 16);
  store<u32>(out, hasLists, 20);
  return key;
}

/** Answers where the metadata at `at` ends. */
// @ts-ignore: decorators on functions are AssemblyScript's
@inline function readMetadata(at: usize): usize {
  if (load<u8>(at) != 0x85) leaveToOthers();
  at += 1;
  if (head(at, 0) > MODE_MAX) leaveToOthers();
  at += headBytes(at);
  if (head(at, 0) > OWNER_ID_MAX) leaveToOthers();
  at += headBytes(at);
  if (head(at, 0) > OWNER_ID_MAX) leaveToOthers();
  at += headBytes(at);
  // Before 1970 -1 - n is told by n; of 2^53 - 1 that would be one too few to be exact.
  if (load<u8>(at) >> 5 == 1) {
    if (wideHead(at, 0x20) == SAFE_INTEGER_MAX) leaveToOthers();
  } else wideHead(at, 0);
  at += headBytes(at);
  if (head(at, 0) > NANOS_MAX) leaveToOthers();
  return at + headBytes(at);
}
