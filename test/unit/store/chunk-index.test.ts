import { join } from 'node:path';
import t from 'tap';
import { silentLog } from '../../../src/base/log.ts';
import { ChunkIndex } from '../../../src/store/chunk-index.ts';
import type { PackRecord } from '../../../src/store/index-records.ts';
import { noiseChunks } from './chunks.ts';

const root = t.testdir();
const open = (name: string): Promise<ChunkIndex> => ChunkIndex.open(join(root, name), silentLog, async () => undefined);
const [first, second] = noiseChunks(2, 50).map((chunk) => chunk.digest) as [never, never];
const record: PackRecord = { lengthBytes: 100, sealed: true, frameCount: 1, chunkCount: 1, rawBytes: 50 };
const place = (packId: string): { packId: string; offsetBytes: number; storedBytes: number; rawBytes: number; chunkBytes: number } => ({ packId, offsetBytes: 16, storedBytes: 84, rawBytes: 50, chunkBytes: 50 });
const [old, young] = ['00000000000000aa', '00000000000000bb'] as const;

await t.test('an entry that outlives its pack is never taken for one of another pack', async (t) => {
  const before = await open('stray');
  await before.write([{ digest: first, before: undefined, after: place(old) }], [{ packId: old, record }]);
  t.same(before.get(first), place(old));
  await before.write([], [{ packId: old, record: undefined }]);
  t.equal(before.get(first), undefined, 'at once');
  await before.close();
  const after = await open('stray');
  await after.write([{ digest: second, before: undefined, after: place(young) }], [{ packId: young, record }]);
  t.equal(after.get(first), undefined, 'and when another pack came after a restart');
  t.same(after.get(second), place(young));
  await after.close();
  const again = await open('stray');
  t.equal(again.get(first), undefined);
  t.same(again.get(second), place(young));
  const entries = [];
  for await (const [digest, location] of again.entries()) entries.push([digest, location?.packId]);
  t.same(new Map(entries as [string, string | undefined][]), new Map<string, string | undefined>([[first, undefined], [second, young]]));
  await again.close();
});
