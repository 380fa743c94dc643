/**
 * What to evict next: S3-FIFO (Yang, Zhang, Qiu, Yue, Vigfusson: "FIFO queues are all you need for cache eviction", SOSP 2023).
 * New things enter a small FIFO queue; what was used there moves to the main queue, the rest leaves early and is remembered as a
 * ghost; what comes back while its ghost is remembered enters the main queue at once. A decision only: removing is the caller's.
 *
 * Here the things are packs (frames in the memory store). Reading one layer through touches a pack hundreds of times, so a use
 * is counted by the share of the pack that was read: `uses`, rounded, says how many times over all of it was read.
 */

interface Slot {
  readonly bytes: number;
  /** 0 to USES_MAX; the paper's freq. */
  uses: number;
}

/** The paper's two bits. */
const USES_MAX = 3;
/** The paper's 10 % of the cache for the small queue. */
const SMALL_SHARE = 0.1;

export class S3Fifo {
  /** A Map keeps its insertion order: the first key is the head of the queue, which leaves next. */
  readonly #small = new Map<string, Slot>();
  readonly #main = new Map<string, Slot>();
  readonly #smallBytesTarget: number;
  #smallBytes = 0;

  constructor(quotaBytes: number) {
    this.#smallBytesTarget = quotaBytes * SMALL_SHARE;
  }

  /** `wasGhost`: it was evicted not long ago and has come back. */
  insert(id: string, bytes: number, wasGhost: boolean): void {
    this.remove(id);
    (wasGhost ? this.#main : this.#small).set(id, { bytes, uses: 0 });
    if (!wasGhost) this.#smallBytes += bytes;
  }

  /** `share` of its content was read, 0 to 1. Unknown ids are not in the cache's hands (yet). */
  use(id: string, share: number): void {
    const slot = this.#small.get(id) ?? this.#main.get(id);
    if (slot !== undefined) slot.uses = Math.min(USES_MAX, slot.uses + share);
  }

  remove(id: string): void {
    const slot = this.#small.get(id);
    if (slot !== undefined) this.#smallBytes -= slot.bytes;
    this.#small.delete(id);
    this.#main.delete(id);
  }

  /** The id to evict next among those that may go; undefined if none may. It stays in its queue until it is removed. */
  victim(mayGo: (id: string) => boolean): string | undefined {
    return this.#smallBytes >= this.#smallBytesTarget
      ? (this.#victimOfSmall(mayGo) ?? this.#victimOfMain(mayGo))
      : (this.#victimOfMain(mayGo) ?? this.#victimOfSmall(mayGo) ?? this.#victimOfMain(mayGo));
  }

  #victimOfSmall(mayGo: (id: string) => boolean): string | undefined {
    for (const [id, slot] of this.#small) {
      if (Math.round(slot.uses) > 1) {
        this.remove(id);
        this.#main.set(id, { bytes: slot.bytes, uses: 0 });
      } else if (mayGo(id)) {
        return id;
      }
    }
    return undefined;
  }

  #victimOfMain(mayGo: (id: string) => boolean): string | undefined {
    // What is put back at the tail comes by again in this same loop, with one use less: it ends.
    for (const [id, slot] of this.#main) {
      if (!mayGo(id)) continue;
      if (Math.round(slot.uses) < 1) return id;
      slot.uses = Math.max(0, slot.uses - 1);
      this.#main.delete(id);
      this.#main.set(id, slot);
    }
    return undefined;
  }
}
