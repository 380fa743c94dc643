/** Keys: ascending, each sharing as many bytes as it can with the one before it, and none that is no path. */

export const NAME_BYTES_MAX: u32 = 255;

const NUL: u8 = 0;
const DOT: u8 = 0x2e;
const SLASH: u8 = 0x2f;
const SLASHES: u64 = 0x2f2f2f2f2f2f2f2f;

/**
 * A key behind the one from `previous` on: `shared` bytes of that one, and those from `suffix` on. Eight bytes at a time: what is written beyond the key's end the next one overwrites. False if it does
 * not come after the one before, shares less with it than it could, or is unsafe.
 */
// @ts-ignore: decorators on functions are AssemblyScript's
@inline export function readKey(previous: usize, key: usize, shared: usize, suffix: usize, suffixBytes: usize, isFirst: bool): bool {
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
