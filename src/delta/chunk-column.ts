/** Chunks, each once, numbered in the order in which they were added. */
import type { Digest } from '../chunking/digest.ts';

export class ChunkColumn {
  readonly digests: Digest[] = [];
  readonly lengths: number[] = [];
  readonly #numbers = new Map<Digest, number>();

  get length(): number {
    return this.digests.length;
  }

  /** The number of a chunk, which is added if it is new. */
  add(digest: Digest, lengthBytes: number): number {
    const known = this.#numbers.get(digest);
    if (known !== undefined) return known;
    const number = this.digests.push(digest) - 1;
    this.lengths.push(lengthBytes);
    this.#numbers.set(digest, number);
    return number;
  }

  find(digest: Digest): number | undefined {
    return this.#numbers.get(digest);
  }
}
