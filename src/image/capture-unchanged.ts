/** Whether a tree is still the one that an earlier capture found. */
import { RECORDS_ALONE_BYTES_MAX } from '../base/limits/trees.ts';
import { WorkerPool } from '../base/worker-pool.ts';
import type { CaptureCache } from './capture-cache.ts';
import type { Capture } from './capture-result.ts';
import { claimsOfNone, hasChanged, lookAtRecords, type LookedAt, type RecordsToLookAt } from './look-at-records.ts';
import { Pace } from './pace.ts';
import { treeRoot } from './walk.ts';

/**
 * The capture of which `cache` is found, if the tree at `dir` is still the same; undefined if it is not, or if that cannot be told. Nothing is read but the
 * inodes of what was there then, and no directory is listed: to make, remove or rename a name changes the times of the directory that it is in (POSIX.1-2024, open(),
 * unlink(), rename()). A thread helps with a large tree: most of the time is the kernel's, and it has more than one processor.
 */
export async function captureUnchanged(dir: string, cache: CaptureCache, signal?: AbortSignal): Promise<Capture | undefined> {
  const toLookAt = { root: treeRoot(dir), records: cache.records, claims: claimsOfNone() };
  if (cache.records.byteLength <= RECORDS_ALONE_BYTES_MAX) {
    await lookHere(toLookAt, signal);
    return hasChanged(toLookAt.claims) ? undefined : cache.capture;
  }
  const shared: RecordsToLookAt = { ...toLookAt, records: inSharedMemory(cache.records) };
  const helper = new WorkerPool<'all', number>(new URL('./record-worker', import.meta.url), { workerCount: 1, shared, work: 'looking at the tree' });
  try {
    // One that died has looked at nothing: the tree is read then.
    const helped = helper.run('all').catch(() => 0);
    const { ownCount, count } = await lookHere(toLookAt, signal);
    // If all was done here, it is not waited for.
    const helpedCount = ownCount === count || hasChanged(shared.claims) ? 0 : await helped;
    return hasChanged(shared.claims) || ownCount + helpedCount < count ? undefined : cache.capture;
  } finally {
    await helper.close();
  }
}

async function lookHere(toLookAt: RecordsToLookAt, signal: AbortSignal | undefined): Promise<LookedAt> {
  const pace = new Pace(signal);
  const looking = lookAtRecords(toLookAt);
  for (;;) {
    const { done, value } = looking.next();
    if (done === true) return value;
    if (pace.due) await pace.turn();
  }
}

function inSharedMemory(bytes: Uint8Array): Uint8Array {
  const shared = new Uint8Array(new SharedArrayBuffer(bytes.byteLength));
  shared.set(bytes);
  return shared;
}
