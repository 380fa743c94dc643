/** Remembers, for a while, which chunks were evicted: the ghost queue of S3-FIFO (s3-fifo.ts), by chunk since packs never come back. */
import type { Digest } from '../chunking/digest.ts';

/** 13 hexadecimal digits are 52 bits: what a double holds exactly. */
const FINGERPRINT_DIGITS = 13;
/** 1 MiB of doubles: the last 131,072 or so chunks, 8 GiB at 64 KiB each. */
const SLOTS = 131_072;

/**
 * A table of fingerprints in which a newer one overwrites an older one of the same slot, as the paper advises. Two chunks with one
 * fingerprint do no harm: a pack would stay a little longer.
 */
export class Ghosts {
  readonly #slots = new Float64Array(SLOTS);

  add(digest: Digest): void {
    const fingerprint = fingerprintOf(digest);
    this.#slots[fingerprint % SLOTS] = fingerprint;
  }

  has(digest: Digest): boolean {
    const fingerprint = fingerprintOf(digest);
    return this.#slots[fingerprint % SLOTS] === fingerprint;
  }
}

/** Never 0, which means an empty slot. */
function fingerprintOf(digest: Digest): number {
  return Math.max(1, Number.parseInt(digest.slice(0, FINGERPRINT_DIGITS), 16));
}
