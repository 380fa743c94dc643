/** Entries that a layer cannot hold: listed for people, and recorded, so that a tree with the same ones is known again. */
import type { BigIntStats } from 'node:fs';
import { LISTED_PATHS_MAX } from '../base/limits.ts';
import type { PathKey } from '../manifest/entry.ts';
import { compareKeys, displayPath } from '../manifest/key.ts';
import type { CaptureCacheWriter, Seen } from './capture-cache.ts';
import type { SkippedPath } from './capture-result.ts';

export class LeftOut {
  readonly #record: CaptureCacheWriter | undefined;
  readonly #listed: SkippedPath[] = [];
  /** Listed ones that are not recorded yet, in key order: entries before them may still wait for their bundle. */
  #waiting: { readonly key: PathKey; readonly note: Seen }[] = [];
  #count = 0;

  constructor(record: CaptureCacheWriter | undefined) {
    this.#record = record;
  }

  /** The first LISTED_PATHS_MAX. */
  get listed(): readonly SkippedPath[] {
    return this.#listed;
  }

  get count(): number {
    return this.#count;
  }

  /** Keys ascend. What is not listed is not recorded either: such a tree is read again. */
  add(key: PathKey, stat: BigIntStats, note: Seen): void {
    this.#count += 1;
    if (this.#listed.length === LISTED_PATHS_MAX) return;
    this.#listed.push({ path: displayPath(key), reason: stat.isSocket() ? 'a socket belongs to a running process' : 'of an unknown type' });
    if (this.#record !== undefined) this.#waiting.push({ key, note });
  }

  /** Records must ascend too: to be called before the entry `key` is recorded, and without one at the end. */
  recordBefore(key?: PathKey): void {
    if (this.#waiting.length === 0) return;
    const isBefore = (one: PathKey): boolean => key === undefined || compareKeys(one, key) < 0;
    let count = 0;
    for (const waiting of this.#waiting) {
      if (!isBefore(waiting.key)) break;
      this.#record?.addLeftOut(waiting.key, waiting.note);
      count += 1;
    }
    this.#waiting = this.#waiting.slice(count);
  }
}
