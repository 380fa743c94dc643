/** Which chunks a capture has counted, so that each is yielded and counted once. */
import type { Digest } from '../chunking/digest.ts';

export class ChunkTally {
  readonly #counted = new Set<Digest>();
  #chunkBytes = 0;

  get chunkCount(): number {
    return this.#counted.size;
  }

  get chunkBytes(): number {
    return this.#chunkBytes;
  }

  has(digest: Digest): boolean {
    return this.#counted.has(digest);
  }

  /** The tree needs this chunk. */
  count(digest: Digest, lengthBytes: number): void {
    if (this.#counted.has(digest)) return;
    this.#counted.add(digest);
    this.#chunkBytes += lengthBytes;
  }
}
