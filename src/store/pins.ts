/** Which chunks eviction must leave alone, by the names under which owners asked for it. */
import type { Digest } from '../chunking/digest.ts';
import { DigestSet } from './digest-set.ts';

/** Told about each chunk that the first pin names, or the last pin lets go. */
export interface PinListener {
  pinned(digest: Digest): void;
  unpinned(digest: Digest): void;
}

export class Pins {
  readonly #byName = new Map<string, DigestSet>();
  readonly #listener: PinListener;

  constructor(listener: PinListener) {
    this.#listener = listener;
  }

  /** Replaces what the name pinned before. */
  pin(name: string, digests: Iterable<Digest>): void {
    this.#replace(name, new DigestSet(digests));
  }

  unpin(name: string): void {
    this.#replace(name, undefined);
  }

  isPinned(digest: Digest): boolean {
    for (const set of this.#byName.values()) if (set.has(digest)) return true;
    return false;
  }

  #replace(name: string, next: DigestSet | undefined): void {
    const before = this.#byName.get(name);
    // What the other names pin stays pinned: with this name out of the way, isPinned speaks for them.
    this.#byName.delete(name);
    for (const digest of next ?? []) if (before?.has(digest) !== true && !this.isPinned(digest)) this.#listener.pinned(digest);
    for (const digest of before ?? []) if (next?.has(digest) !== true && !this.isPinned(digest)) this.#listener.unpinned(digest);
    if (next !== undefined) this.#byName.set(name, next);
  }
}
