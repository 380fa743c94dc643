/** Heads of CBOR items (RFC 8949, section 3): major type and argument, in its shortest form. What is not as it must be makes the leaf one that others read. */

/** 2^53 - 1. */
export const SAFE_INTEGER_MAX: u64 = 9007199254740991;

/** Nothing that has been read is wrong or rare. */
export let isPlain: bool = false;

// @ts-ignore: decorators on functions are AssemblyScript's
@inline export function begin(): void {
  isPlain = true;
}

// @ts-ignore: decorators on functions are AssemblyScript's
@inline export function leaveToOthers(): void {
  isPlain = false;
}

/** The argument of the item at `at`, of this major type (as it stands in the item's first byte), in its shortest form, less than 2^32. */
// @ts-ignore: decorators on functions are AssemblyScript's
@inline export function head(at: usize, major: u32): u32 {
  const argument = <u32>load<u8>(at) - major;
  return argument < 24 ? argument : longHead(at, major);
}

/** How many bytes the first byte of an item and its argument take. */
// @ts-ignore: decorators on functions are AssemblyScript's
@inline export function headBytes(at: usize): usize {
  const kind = <usize>load<u8>(at) & 31;
  return kind < 24 ? 1 : 1 + (<usize>1 << (kind - 24));
}

function longHead(at: usize, major: u32): u32 {
  const value = wideHead(at, major);
  if (value > 0xffffffff) isPlain = false;
  return <u32>value;
}

/** The same up to 2^53 - 1. */
export function wideHead(at: usize, major: u32): u64 {
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
