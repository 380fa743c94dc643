/** Every chunk of the tree that stands in a target can be read by its digest, and none that somebody changed. */
import { cpSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import type { Digest } from '../../../src/chunking/digest.ts';
import { OldChunks } from '../../../src/image/old-chunks.ts';
import { OldTree } from '../../../src/image/old-tree.ts';
import { StatCache } from '../../../src/image/stat-cache.ts';
import { capture } from './layer-in-memory.ts';
import { directory, makeTree, noise } from './tree-spec.ts';

await t.test('chunks of large files, of bundles, and of files that are there twice', async (t) => {
  const dir = join(t.testdir(), 'tree');
  const file = (lengthBytes: number, seed: number) => ({ type: 'file' as const, content: noise(lengthBytes, seed) });
  makeTree(dir, directory({ large: file(30_000, 1), 'large again': file(30_000, 1), a: file(100, 2), b: file(200, 3), sub: directory({ c: file(90, 4), d: file(4000, 5) }) }));
  const layer = await capture(dir);
  const read = (path: string) => {
    const chunks = new OldChunks(new OldTree(Buffer.from(path), layer.manifest, new StatCache(layer.root)), undefined);
    return (digest: Digest) => chunks.read(digest);
  };
  const whole = read(dir);
  for (const [digest, bytes] of layer.chunks) t.same(Buffer.from((await whole(digest)) ?? []), Buffer.from(bytes));
  t.equal(await whole('0'.repeat(64) as Digest), undefined);

  const changed = join(t.testdirName, 'changed');
  cpSync(dir, changed, { recursive: true });
  writeFileSync(join(changed, 'large'), noise(30_000, 9));
  writeFileSync(join(changed, 'a'), 'other');
  const rest = read(changed);
  let found = 0;
  for (const [digest, bytes] of layer.chunks) {
    const now = await rest(digest);
    if (now === undefined) continue;
    found += 1;
    t.same(Buffer.from(now), Buffer.from(bytes), 'what is given is right');
  }
  t.ok(found > 0 && found < layer.chunks.size, `${found} of ${layer.chunks.size} are still there`);
});
