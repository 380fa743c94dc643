/**
 * A similarity sketch: a few numbers of a chunk that are likely to be the same for a chunk that shares much of its content, wherever in it.
 * Min-hash over windows that the content itself selects: super-features by many hashes are Shilane et al., "WAN Optimized Replication of
 * Backup Datasets", FAST '12; sampling before hashing is Odess (Zou et al., ICDE 2021), and costs a tenth of Finesse's pass (Zhang et al., FAST '19).
 */
import { gearTable } from '../chunking/gear-table.ts';

/** Windows are the last 32 bytes: h is 32 bits wide and each step shifts by one. */
const gear = halves(0);
/** One window of 64 is looked at closer. */
const SAMPLE_MASK = 0xfc00_0000 | 0;
const FEATURES = 12;
/** Odd, and nothing to do with each other: x -> x * m is another order of the 32-bit numbers for each. */
const multipliers = halves(4).subarray(0, FEATURES).map((half) => half | 1);

/** FEATURES numbers, each with its own place: only the same place of two sketches is compared. */
export function sketch(bytes: Uint8Array): Uint32Array {
  const features = new Uint32Array(FEATURES).fill(0xffff_ffff);
  let h = 0;
  for (let at = 0; at < bytes.length; at += 1) {
    h = ((h << 1) + (gear[bytes[at] as number] as number)) | 0;
    if ((h & SAMPLE_MASK) !== 0) continue;
    for (let feature = 0; feature < FEATURES; feature += 1) {
      const value = Math.imul(h, multipliers[feature] as number) >>> 0;
      if (value < (features[feature] as number)) features[feature] = value;
    }
  }
  return features;
}

/** Finds, among chunks that were added, the one that has most in common with another. */
export class SketchIndex {
  /** By place and value of a feature: the chunks that were added first with it. */
  readonly #byFeature = new Map<number, number[]>();

  add(number: number, features: Uint32Array): void {
    features.forEach((value, place) => {
      if (value === 0xffff_ffff) return;
      const key = keyOf(place, value);
      const known = this.#byFeature.get(key);
      if (known === undefined) this.#byFeature.set(key, [number]);
      else if (known.length < SAME_FEATURE_MAX) known.push(number);
    });
  }

  /** The chunk that shares most features, the earlier one if several do; undefined if none shares VOTES_MIN. */
  mostAlike(features: Uint32Array): number | undefined {
    const votes = new Map<number, number>();
    features.forEach((value, place) => {
      for (const number of this.#byFeature.get(keyOf(place, value)) ?? []) votes.set(number, (votes.get(number) ?? 0) + 1);
    });
    let best: number | undefined;
    for (const [number, count] of votes) if (count >= VOTES_MIN && count > (best === undefined ? 0 : (votes.get(best) ?? 0))) best = number;
    return best;
  }
}

/** Runs of zeros and the like give the same features everywhere: so many chunks with one are enough. */
const SAME_FEATURE_MAX = 4;
/** Of 12: chunks that have a tenth of their windows in common meet it in one case of three, those with a third nearly always. */
const VOTES_MIN = 2;

/** Of each number of the gear table the 32 bits from a byte on. */
function halves(fromByte: number): Int32Array {
  const view = new DataView(gearTable.buffer, gearTable.byteOffset, gearTable.byteLength);
  return Int32Array.from({ length: 256 }, (_, index) => view.getInt32(index * 8 + fromByte, true));
}

function keyOf(place: number, value: number): number {
  return place * 2 ** 32 + value;
}
