/** A tree that may not have changed, looked at by several at a time. */
import { chmodSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { CHANGE_TIME_GRAIN_MS, RECORDS_ALONE_BYTES_MAX, RECORDS_TOGETHER } from '../../../src/base/limits/trees.ts';
import { CaptureCache, CaptureCacheWriter } from '../../../src/image/capture-cache.ts';
import { captureUnchanged } from '../../../src/image/capture-unchanged.ts';
import { claimsOfNone, hasChanged, lookAtRecords, type LookedAt, type RecordsToLookAt } from '../../../src/image/look-at-records.ts';
import { treeRoot } from '../../../src/image/walk.ts';
import { capture, SMALL_PARAMS } from './layer-in-memory.ts';

async function remembered(t: Test, fileCount: number, nameBytes = 8): Promise<{ readonly dir: string; readonly cache: CaptureCache }> {
  const base = t.testdir();
  const dir = join(base, 'tree');
  mkdirSync(dir);
  for (let index = 0; index < fileCount; index += 1) writeFileSync(join(dir, String(index).padStart(nameBytes, '0')), '');
  await sleep(3 * CHANGE_TIME_GRAIN_MS);
  const record = new CaptureCacheWriter();
  const { root, stats, skipped, skippedCount } = await capture(dir, SMALL_PARAMS, { record });
  record.save(join(base, 'cache'), SMALL_PARAMS, { root, stats, skipped, skippedCount });
  return { dir, cache: CaptureCache.load(join(base, 'cache'), SMALL_PARAMS) as CaptureCache };
}

/** Looks as `turns` says: the number of each, again and again, until all have ended. */
function lookInTurn(toLookAt: RecordsToLookAt, turns: readonly number[]): LookedAt[] {
  const looking = turns.map(() => lookAtRecords(toLookAt));
  const ended: (LookedAt | undefined)[] = turns.map(() => undefined);
  while (ended.includes(undefined)) {
    for (const [index, steps] of turns.entries()) {
      for (let step = 0; step < steps && ended[index] === undefined; step += 1) {
        const { done, value } = looking[index]?.next() ?? {};
        if (done === true) ended[index] = value as LookedAt;
      }
    }
  }
  return ended as LookedAt[];
}

await t.test('each block is looked at by one, whoever is faster', async (t) => {
  // The root directory has a record too.
  for (const fileCount of [0, RECORDS_TOGETHER - 1, RECORDS_TOGETHER, 5 * RECORDS_TOGETHER + 3]) {
    const { dir, cache } = await remembered(t, fileCount);
    const count = Math.ceil((fileCount + 1) / RECORDS_TOGETHER);
    for (const turns of [[1], [1, 1], [7, 1000], [100_000, 1], [1, 3, 700]]) {
      const claims = claimsOfNone();
      const looked = lookInTurn({ root: treeRoot(dir), records: cache.records, claims }, turns);
      t.same(looked.map((one) => one.count), turns.map(() => count));
      t.equal(looked.reduce((sum, { ownCount }) => sum + ownCount, 0), count, `${fileCount} files, turns ${turns.join(', ')}`);
      t.notOk(hasChanged(claims));
    }
  }
});

await t.test('an entry that is not as it was ends it for all', async (t) => {
  const { dir, cache } = await remembered(t, 4 * RECORDS_TOGETHER);
  chmodSync(join(dir, String(3 * RECORDS_TOGETHER).padStart(8, '0')), 0o600);
  for (const turns of [[1], [1, 1], [1, 900], [3, 2, 1]]) {
    const claims = claimsOfNone();
    lookInTurn({ root: treeRoot(dir), records: cache.records, claims }, turns);
    t.ok(hasChanged(claims), turns.join(', '));
  }
});

await t.test('a large tree, with a thread that helps', async (t) => {
  const nameBytes = 200;
  // Names share all but their last bytes: 60 bytes a record.
  const { dir, cache } = await remembered(t, Math.ceil(RECORDS_ALONE_BYTES_MAX / 50), nameBytes);
  t.ok(cache.records.byteLength > RECORDS_ALONE_BYTES_MAX, `${cache.records.byteLength} bytes`);
  t.match(await captureUnchanged(dir, cache), { root: cache.capture.root });
  await t.rejects(captureUnchanged(dir, cache, AbortSignal.abort(new Error('enough'))), /enough/);
  rmSync(join(dir, String(9).padStart(nameBytes, '0')));
  t.equal(await captureUnchanged(dir, cache), undefined);
});
