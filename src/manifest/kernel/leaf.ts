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

export const NODE_ENTRIES_MAX: u32 = 4096;
export const INLINE_PIECES_MAX: u32 = 16;
export const CHUNK_BYTES_MAX: u32 = 1048576;
export const PATH_BYTES_MAX: u32 = 4096;
export const NAME_BYTES_MAX: u32 = 255;
export const LINK_TARGET_BYTES_MAX: u32 = 4095;
export const MODE_MAX: u32 = 0o7777;
export const OWNER_ID_MAX: u32 = 4294967294;
export const NANOS_MAX: u32 = 999999999;
/** 2^53 - 1. */
const SAFE_INTEGER_MAX: u64 = 9007199254740991;

const FILE: u32 = 0;
const DIRECTORY: u32 = 1;
const SYMLINK: u32 = 2;
const FIFO: u32 = 6;

const NULL: u8 = 0xf6;
const TAG: u8 = 0xd8;
/** Tag 42, 37 bytes, identity multibase prefix, CIDv1: as they stand, the first lowest. */
const CID_HEADER: u64 = 0x010025582ad8;
const CID_HEADER_MASK: u64 = 0xffffffffffff;
/** Codec, blake3, 32. */
const RAW_BLAKE3: u32 = 0x201e55;
const DAG_CBOR_BLAKE3: u32 = 0x201e71;
const CID_TAIL_MASK: u32 = 0xffffff;
const CID_HEADER_BYTES: usize = 6;
const CID_DIGEST_AT: usize = 9;
const DIGEST_BYTES: usize = 32;
const CID_BYTES: usize = CID_DIGEST_AT + DIGEST_BYTES;

const NUL: u8 = 0;
const DOT: u8 = 0x2e;
const SLASH: u8 = 0x2f;
const SLASHES: u64 = 0x2f2f2f2f2f2f2f2f;

/** What is written before all else: bytes of files, how many chunks and entries, bytes of keys, whether files have chunk lists. */
const HEADER_BYTES: usize = 24;
const PLACES_BYTES: usize = 24;

let isPlain: bool = false;

/**
 * Reads what follows `[1, 1,` from `from` on, up to `end`; places are told from `node` on. Written to `out`, one after the other: the header, where the chunks' digests stand, their lengths, where
 * the keys end, the places of the entries, the keys. There is room for what NODE_ENTRIES_MAX entries and `chunksMax` chunks take, `keyBytesMax`, and one key more;
 * in `slots` for twice as many numbers as there may be chunks, rounded up to a power of two. Answers where the output ends; 0 if the leaf is left to others.
 */
export function readLeaf(node: usize, from: usize, end: usize, out: usize, chunksMax: u32, keyBytesMax: usize, slots: usize): usize {
  isPlain = true;
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

/** Chunks from `at` on: none may stand in the table twice. Answers where it ends. */
function readChunks(node: usize, at: usize, chunkCount: u32, digestsAt: usize, lengths: usize, slots: usize): usize {
  const slotMask: u32 = chunkCount == 0 ? 0 : (<u32>1 << (33 - clz(chunkCount))) - 1;
  memory.fill(slots, 0, <usize>(slotMask + 1) << 2);
  for (let index: u32 = 0; index < chunkCount; index += 1) {
    if (load<u8>(at) != 0x82) isPlain = false;
    checkCid(at + 1, RAW_BLAKE3);
    const digestAt = at + 1 + CID_DIGEST_AT;
    at += 1 + CID_BYTES;
    const length = head(at, 0);
    at += headBytes(at);
    if (length == 0 || length > CHUNK_BYTES_MAX) isPlain = false;
    if (!isPlain) break;
    store<u32>(digestsAt + (index << 2), <u32>(digestAt - node));
    store<u32>(lengths + (index << 2), length);
    // Open addressing, linear probing; digests are uniform, so their first bytes are the hash. A slot holds a number and 1, 0 is free.
    let slot = load<u32>(digestAt) & slotMask;
    for (let taken = load<u32>(slots + (slot << 2)); taken != 0; taken = load<u32>(slots + (slot << 2))) {
      if (isSameDigest(digestAt, node + load<u32>(digestsAt + ((taken - 1) << 2)))) isPlain = false;
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

/**
 * A key behind the one from `previous` on: `shared` bytes of that one, and those from `suffix` on. Eight bytes at a time: what is written beyond the key's end the next one overwrites. False if it does
 * not come after the one before, shares less with it than it could, or is unsafe.
 */
// @ts-ignore: decorators on functions are AssemblyScript's
@inline function readKey(previous: usize, key: usize, shared: usize, suffix: usize, suffixBytes: usize, isFirst: bool): bool {
  for (let byte: usize = 0; byte < shared; byte += 8) store<u64>(key + byte, load<u64>(previous + byte));
  // The first byte that differs must be greater; it also proves that no more could have been shared.
  const ascends = isFirst || (suffixBytes != 0 && (previous + shared == key || load<u8>(suffix) > load<u8>(previous + shared)));
  const to = key + shared;
  let special: u64 = 0;
  for (let byte: usize = 0; byte < suffixBytes; byte += 8) {
    const eight = load<u64>(suffix + byte);
    store<u64>(to + byte, eight);
    const left = suffixBytes - byte;
    const found = zeroBytes(eight) | zeroBytes(eight ^ SLASHES);
    special |= left < 8 ? found << ((8 - left) << 3) : found;
  }
  if (!ascends) return false;
  // One name's end, and no longer than a name may be: there is nothing in it that could be wrong, unless it is all dots.
  const bytes = shared + suffixBytes;
  return special == 0 && bytes <= <usize>NAME_BYTES_MAX && suffixBytes != 0 && load<u8>(to + suffixBytes - 1) != DOT || areGoodNames(key, key + bytes, shared);
}

/** A bit in each byte that is zero; perhaps also in one above such a byte (Bit Twiddling Hacks, "Determine if a word has a zero byte"). */
// @ts-ignore: decorators on functions are AssemblyScript's
@inline function zeroBytes(eight: u64): u64 {
  return (eight - 0x0101010101010101) & ~eight & 0x8080808080808080;
}

/** Of a key of which `shared` bytes are the beginning of a good one: every name has 1 to NAME_BYTES_MAX bytes, holds no slash, and is neither "." nor "..". */
function areGoodNames(key: usize, end: usize, shared: usize): bool {
  if (key == end) return true;
  let name = key + shared;
  while (name > key && load<u8>(name - 1) != NUL) name -= 1;
  for (let byte = name; byte <= end; byte += 1) {
    const value = byte < end ? load<u8>(byte) : NUL;
    if (value == SLASH) return false;
    if (value != NUL) continue;
    const length = byte - name;
    if (length == 0 || length > <usize>NAME_BYTES_MAX || (length <= 2 && load<u8>(name) == DOT && load<u8>(byte - 1) == DOT)) return false;
    name = byte + 1;
  }
  return true;
}

/** Answers where the metadata at `at` ends. */
// @ts-ignore: decorators on functions are AssemblyScript's
@inline function readMetadata(at: usize): usize {
  if (load<u8>(at) != 0x85) isPlain = false;
  at += 1;
  if (head(at, 0) > MODE_MAX) isPlain = false;
  at += headBytes(at);
  if (head(at, 0) > OWNER_ID_MAX) isPlain = false;
  at += headBytes(at);
  if (head(at, 0) > OWNER_ID_MAX) isPlain = false;
  at += headBytes(at);
  // Before 1970 -1 - n is told by n; of 2^53 - 1 that would be one too few to be exact.
  if (load<u8>(at) >> 5 == 1) {
    if (wideHead(at, 0x20) == SAFE_INTEGER_MAX) isPlain = false;
  } else wideHead(at, 0);
  at += headBytes(at);
  if (head(at, 0) > NANOS_MAX) isPlain = false;
  return at + headBytes(at);
}

// @ts-ignore: decorators on functions are AssemblyScript's
@inline function checkCid(at: usize, tail: u32): void {
  if ((load<u64>(at) & CID_HEADER_MASK) != CID_HEADER || (load<u32>(at, CID_HEADER_BYTES) & CID_TAIL_MASK) != tail) isPlain = false;
}

/** The argument of the item at `at`, of this major type (as it stands in the item's first byte), in its shortest form, less than 2^32. */
// @ts-ignore: decorators on functions are AssemblyScript's
@inline function head(at: usize, major: u32): u32 {
  const argument = <u32>load<u8>(at) - major;
  return argument < 24 ? argument : longHead(at, major);
}

/** How many bytes the first byte of an item and its argument take. */
// @ts-ignore: decorators on functions are AssemblyScript's
@inline function headBytes(at: usize): usize {
  const kind = <usize>load<u8>(at) & 31;
  return kind < 24 ? 1 : 1 + (<usize>1 << (kind - 24));
}

function longHead(at: usize, major: u32): u32 {
  const value = wideHead(at, major);
  if (value > 0xffffffff) isPlain = false;
  return <u32>value;
}

/** The same up to 2^53 - 1. */
function wideHead(at: usize, major: u32): u64 {
  const kind = <u32>load<u8>(at) - major;
  if (kind < 24) return kind;
  let value: u64 = 0;
  let least: u64 = 0;
  if (kind == 24) {
    value = load<u8>(at, 1);
    least = 24;
  } else if (kind == 25) {
    value = bswap(load<u16>(at, 1));
    least = 0x100;
  } else if (kind == 26) {
    value = bswap(load<u32>(at, 1));
    least = 0x10000;
  } else if (kind == 27) {
    value = bswap(load<u64>(at, 1));
    least = 0x100000000;
  } else isPlain = false;
  if (value < least || value > SAFE_INTEGER_MAX) isPlain = false;
  return value;
}
