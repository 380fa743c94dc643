/** A large set of digests in 32 bytes each; a Set of strings would take four times that. Never changes once made. */
import { DIGEST_BYTES, digestFromBytes, digestToBytes, type Digest } from '../chunking/digest.ts';

/** As much of a digest as a JavaScript number compares exactly. */
const PREFIX_BYTES = 6;

export class DigestSet implements Iterable<Digest> {
  /** Rows of DIGEST_BYTES, ascending. */
  readonly #rows: Buffer;
  readonly size: number;

  constructor(digests: Iterable<Digest>) {
    const sorted = [...new Set(digests)].sort();
    this.size = sorted.length;
    this.#rows = Buffer.alloc(this.size * DIGEST_BYTES);
    for (const [row, digest] of sorted.entries()) this.#rows.set(digestToBytes(digest), row * DIGEST_BYTES);
  }

  has(digest: Digest): boolean {
    const wanted = Number.parseInt(digest.slice(0, PREFIX_BYTES * 2), 16);
    let low = 0;
    let high = this.size;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#prefix(middle) < wanted) low = middle + 1;
      else high = middle;
    }
    for (; low < this.size && this.#prefix(low) === wanted; low += 1) if (this.#digest(low) === digest) return true;
    return false;
  }

  *[Symbol.iterator](): Generator<Digest, void, undefined> {
    for (let row = 0; row < this.size; row += 1) yield this.#digest(row);
  }

  #prefix(row: number): number {
    return this.#rows.readUIntBE(row * DIGEST_BYTES, PREFIX_BYTES);
  }

  #digest(row: number): Digest {
    return digestFromBytes(this.#rows, row * DIGEST_BYTES);
  }
}
