/**
 * The alignment kernel, in AssemblyScript: new bytes as copies of old ones at a shifting place, with what differs. `npm run build:kernel` compiles it to
 * ../align-kernel.wasm.gen.ts; ../align-kernel.ts is the side that callers see and owns the layout of the memory. What it writes is docs/formats.md, "Differences".
 *
 * After Percival, "Naive Differences of Executable Code" (2003): a place in the old bytes is kept for as long as most bytes are the same there, since in a program that was built anew
 * instructions stay and addresses in them change. Places are found by a hash table of short runs instead of a sorted index of all suffixes, as in xdelta.
 */

/** A new place is considered where so many bytes are the same. Of `app`, 16 and 32 make the whole 0.7 % larger: short ones are found by chance, and long ones not. */
export const SEED_BYTES: usize = 24;
/** Of the old bytes every eighth place is known. Every fourth: two fifths more time, 0.1 % fewer bytes. */
const STRIDE: usize = 8;
/**
 * An entry of the table has so many bits for the number of an old place, enough for 4 MiB, and the others of its hash: most slots are taken, and to look at the old bytes for each new one that stands nowhere
 * would miss the cache each time. The same is found in two fifths of the time.
 */
const NUMBER_BITS: u32 = 20;
/** Two places are compared over so many bytes at most, so that no input costs more than in proportion to its length. */
const COMPARED_BYTES: usize = 64;
/** A new place must be better by more than this: it costs some bytes to say. */
const GAIN_BYTES: i32 = 6;
/**
 * Where nothing was found for long fewer places are looked at, as LZ4 does: each step is longer by two for each 2 KiB of that, up to 17 bytes. It stays odd, so that one of eight steps meets a
 * known old place; what is found is followed backwards to where it begins. Of `image` and `app`: a fifth less time, 0.05 % more bytes; longer steps
 * (33) or such that grow sooner (each 256 bytes) gain no more time and cost up to 1 %.
 */
const STEP_GROWS_BYTES: usize = 2048;
const STEP_GROWTHS_MAX: usize = 8;
/** Backwards a better place is followed until it is worse by this, and so far in any case that is short. */
const WORSE_BYTES: i32 = 64;
const BACKWARDS_BYTES: usize = 1024;

/** Where the next byte of each output goes. */
export let controlEnd: usize = 0;
export let gapsEnd: usize = 0;
export let changesEnd: usize = 0;
export let extraEnd: usize = 0;

/** Copied bytes that are the same since the last change, and how many changes came after them. */
let gapBytes: usize = 0;
let changedBytes: usize = 0;

/** The new bytes [fresh, freshEnd) by the old ones [base, baseEnd). `table` has room for 2^tableBits u32; each output for as many bytes as are new, and 32. */
export function align(base: usize, baseEnd: usize, fresh: usize, freshEnd: usize, table: usize, tableBits: u32, control: usize, gaps: usize, changes: usize, extra: usize): void {
  controlEnd = control;
  gapsEnd = gaps;
  changesEnd = changes;
  extraEnd = extra;
  gapBytes = 0;
  changedBytes = 0;
  index(base, baseEnd, table, tableBits);

  // What is before `start` is written; from there on new bytes are held against the old ones from `old` on, up to the next place that is better.
  // base <= old <= baseEnd, start <= at; and where a better place is found, what is copied from the old one and what comes before the new one fill at most what is between.
  let start = fresh;
  let old = base;
  let at = fresh;
  while (true) {
    const shift = old - start;
    let better: usize = 0;
    /** Nothing was found since. */
    let found = at;
    while (at + SEED_BYTES <= freshEnd) {
      const here = at + shift;
      if (here >= base && here < baseEnd) {
        const same = sameBytes(at, here, min(freshEnd - at, baseEnd - here));
        if (same >= SEED_BYTES) {
          at += same;
          found = at;
          continue;
        }
      }
      better = betterPlace(at, here, base, baseEnd, freshEnd, table, tableBits);
      if (better != 0) break;
      at += stepAfter(at - found);
    }
    const next = better == 0 ? freshEnd : at;
    let copied = forwards(start, old, min(next - start, baseEnd - old));
    let before = better == 0 ? 0 : backwards(next, better, min(backwardsMax(next - start), better - base));
    if (start + copied > next - before) {
      const overlap = start + copied - (next - before);
      const kept = bestCut(next - before, old + copied - overlap, better - before, overlap);
      copied -= overlap - kept;
      before -= kept;
    }
    writeCopy(start, old, copied);
    const extraBytes = next - before - (start + copied);
    memory.copy(extraEnd, start + copied, extraBytes);
    extraEnd += extraBytes;
    writeVarint(controlEnd, copied);
    controlEnd = varintEnd;
    writeVarint(controlEnd, extraBytes);
    controlEnd = varintEnd;
    if (better == 0) break;
    const seek = <isize>(better - before) - <isize>(old + copied);
    writeVarint(controlEnd, <usize>((seek << 1) ^ (seek >> 31)));
    controlEnd = varintEnd;
    start = next - before;
    old = better - before;
    // It was found by its first bytes.
    at = next + SEED_BYTES;
  }
  endChange();
}

/**
 * Old places by the hash of what stands there: the first of those in a slot, so that a copy of what repeats itself can be long. An entry is the place's number, and 1, below bits of the
 * hash that its slot does not tell.
 */
function index(base: usize, baseEnd: usize, table: usize, tableBits: u32): void {
  memory.fill(table, 0, 4 << tableBits);
  if (baseEnd - base < SEED_BYTES) return;
  // From the last one on, so that the first one stays.
  for (let offset = <isize>((baseEnd - SEED_BYTES - base) / STRIDE * STRIDE); offset >= 0; offset -= STRIDE) {
    const hash = hashOf(base + offset);
    store<u32>(slot(hash, table, tableBits), (hash << NUMBER_BITS) + <u32>(offset / STRIDE) + 1);
  }
}

/** An old place that is better for the new bytes from `at` on than `here`; 0 if none is known. */
// @ts-ignore: decorators on functions are AssemblyScript's
@inline function betterPlace(at: usize, here: usize, base: usize, baseEnd: usize, freshEnd: usize, table: usize, tableBits: u32): usize {
  const hash = hashOf(at);
  // What has other bits of the hash keeps some above the number; 0 is an empty slot.
  const number = load<u32>(slot(hash, table, tableBits)) ^ (hash << NUMBER_BITS);
  if (number == 0 || number >> NUMBER_BITS != 0) return 0;
  const place = base + (number - 1) * STRIDE;
  if (place == here) return 0;
  const same = sameBytes(at, place, min(COMPARED_BYTES, min(freshEnd - at, baseEnd - place)));
  if (same < SEED_BYTES) return 0;
  let sameHere: usize = 0;
  for (let index: usize = 0; index < same; index += 1) {
    const byte = here + index;
    if (byte >= base && byte < baseEnd && load<u8>(byte) == load<u8>(at + index)) sameHere += 1;
  }
  return <i32>(same - sameHere) > GAIN_BYTES ? place : 0;
}

/** How far to the next place that is looked at, when none was found for so long. */
// @ts-ignore: decorators on functions are AssemblyScript's
@inline function stepAfter(lostBytes: usize): usize {
  return 1 + 2 * min(STEP_GROWTHS_MAX, lostBytes / STEP_GROWS_BYTES);
}

/** How many bytes from both addresses on to copy: where most are the same, by the greatest surplus of such bytes over others. */
function forwards(a: usize, b: usize, bytesMax: usize): usize {
  let surplus: isize = 0;
  let bestSurplus: isize = 0;
  let best: usize = 0;
  for (let at: usize = 0; at < bytesMax; at += 1) {
    const same = sameBytes(a + at, b + at, bytesMax - at);
    at += same;
    surplus += same;
    if (surplus > bestSurplus) {
      bestSurplus = surplus;
      best = at;
    }
    surplus -= 1;
  }
  return best;
}

/** How far back a better place is followed, of what is not written yet: so that a part of it is written each time, and no byte is looked at more than a few times. */
// @ts-ignore: decorators on functions are AssemblyScript's
@inline function backwardsMax(unwrittenBytes: usize): usize {
  return min(unwrittenBytes, max(BACKWARDS_BYTES, unwrittenBytes - (unwrittenBytes >> 2)));
}

/** The same for the bytes before both addresses. */
function backwards(a: usize, b: usize, bytesMax: usize): usize {
  let surplus: i32 = 0;
  let bestSurplus: i32 = 0;
  let best: usize = 0;
  for (let at: usize = 1; at <= bytesMax && surplus > -WORSE_BYTES; at += 1) {
    surplus += load<u8>(a - at) == load<u8>(b - at) ? 1 : -1;
    if (surplus > bestSurplus) {
      bestSurplus = surplus;
      best = at;
    }
  }
  return best;
}

/** Of so many bytes that both an earlier place and a later one could give, how many to take from the earlier one. */
function bestCut(fresh: usize, earlier: usize, later: usize, bytes: usize): usize {
  let surplus: i32 = 0;
  let bestSurplus: i32 = 0;
  let best: usize = 0;
  for (let at: usize = 0; at < bytes; at += 1) {
    const byte = load<u8>(fresh + at);
    if (load<u8>(earlier + at) == byte) surplus += 1;
    if (load<u8>(later + at) == byte) surplus -= 1;
    // Where both are as good the earlier one has it: what repeats itself would otherwise come in steps of a seed, each of which walks all of it.
    if (surplus >= bestSurplus) {
      bestSurplus = surplus;
      best = at + 1;
    }
  }
  return best;
}

function writeCopy(fresh: usize, old: usize, bytes: usize): void {
  for (let at: usize = 0; at < bytes; at += 1) {
    const same = sameBytes(fresh + at, old + at, bytes - at);
    if (same > 0) {
      endChange();
      gapBytes += same;
      at += same;
      if (at == bytes) return;
    }
    store<u8>(changesEnd, load<u8>(fresh + at) - load<u8>(old + at));
    changesEnd += 1;
    changedBytes += 1;
  }
}

function endChange(): void {
  if (changedBytes == 0) return;
  writeVarint(gapsEnd, gapBytes);
  writeVarint(varintEnd, changedBytes);
  gapsEnd = varintEnd;
  gapBytes = 0;
  changedBytes = 0;
}

let varintEnd: usize = 0;

/** LEB128; `varintEnd` is after it. */
function writeVarint(at: usize, value: usize): void {
  while (value >= 0x80) {
    store<u8>(at, <u8>value | 0x80);
    value >>= 7;
    at += 1;
  }
  store<u8>(at, <u8>value);
  varintEnd = at + 1;
}

/** How many bytes from both addresses on are the same. */
// @ts-ignore: decorators on functions are AssemblyScript's
@inline function sameBytes(a: usize, b: usize, bytesMax: usize): usize {
  let same: usize = 0;
  while (same + 8 <= bytesMax) {
    const difference = load<u64>(a + same) ^ load<u64>(b + same);
    if (difference != 0) return same + <usize>(ctz(difference) >> 3);
    same += 8;
  }
  while (same < bytesMax && load<u8>(a + same) == load<u8>(b + same)) same += 1;
  return same;
}

/** By the first and the last eight bytes of a seed; the multipliers are odd and otherwise arbitrary. */
// @ts-ignore: decorators on functions are AssemblyScript's
@inline function hashOf(at: usize): u32 {
  return <u32>(((load<u64>(at) ^ (load<u64>(at + SEED_BYTES - 8) * 0xc2b2ae3d27d4eb4f)) * 0x9e3779b97f4a7c15) >> 32);
}

// @ts-ignore: decorators on functions are AssemblyScript's
@inline function slot(hash: u32, table: usize, tableBits: u32): usize {
  return table + (<usize>(hash >> (32 - tableBits)) << 2);
}
