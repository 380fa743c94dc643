/** Goes through the records of a capture cache, beside other threads that do the same: each block of records is looked at by whoever claims it. */
import { RECORDS_TOGETHER } from '../base/limits/trees.ts';
import { CaptureCacheReader } from './capture-cache.ts';
import { lstatIfThere, pathBelow } from './key-path.ts';

/** What threads share. */
export interface RecordsToLookAt {
  readonly root: Uint8Array;
  /** CaptureCache.records. */
  readonly records: Uint8Array;
  /** See `claimsOfNone()`. */
  readonly claims: Int32Array;
}

/** How many blocks have been claimed, and 1 when an entry was found that is not as it was. */
export function claimsOfNone(): Int32Array {
  return new Int32Array(new SharedArrayBuffer(2 * Int32Array.BYTES_PER_ELEMENT));
}

/** Whether any thread has found an entry that is not as it was. */
export function hasChanged(claims: Int32Array): boolean {
  return Atomics.load(claims, 1) === 1;
}

export interface LookedAt {
  /** Blocks that this one has looked at to their ends. */
  readonly ownCount: number;
  /** Blocks that there are. */
  readonly count: number;
}

/** Looks at the entries of all blocks that it can claim, one with each step. Ends early, with whatever counts, if the tree has changed. Throws what lstat throws, but for names that are gone. */
export function* lookAtRecords({ root, records, claims }: RecordsToLookAt): Generator<void, LookedAt, undefined> {
  const rootPath = Buffer.from(root);
  const reader = CaptureCacheReader.ofRecords(records);
  let ownCount = 0;
  let claimed = Atomics.add(claims, 0, 1);
  let recordCount = 0;
  for (const key of reader.keys()) {
    const block = Math.floor(recordCount / RECORDS_TOGETHER);
    recordCount += 1;
    if (block > claimed) {
      ownCount += 1;
      claimed = Atomics.add(claims, 0, 1);
    }
    if (block < claimed) continue;
    const stat = lstatIfThere(pathBelow(rootPath, key));
    if (stat === undefined || !reader.isAsItWas(stat)) Atomics.store(claims, 1, 1);
    if (hasChanged(claims)) break;
    yield;
  }
  const count = Math.ceil(recordCount / RECORDS_TOGETHER);
  return { ownCount: claimed < count ? ownCount + 1 : ownCount, count };
}
