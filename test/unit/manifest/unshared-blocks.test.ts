import t from 'tap';
import type { Digest } from '../../../src/chunking/digest.ts';
import { hash } from '../../../src/chunking/hash.ts';
import type { Entry } from '../../../src/manifest/entry.ts';
import { keyFromPath } from '../../../src/manifest/key.ts';
import { Manifest } from '../../../src/manifest/read.ts';
import { unsharedBlocks } from '../../../src/manifest/unshared-blocks.ts';
import { BlockMap } from '../../doubles/block-map.ts';
import { seededEdits, seededTree } from '../../doubles/seeded-tree.ts';

async function collect(items: AsyncIterable<Digest>): Promise<Digest[]> {
  const found: Digest[] = [];
  for await (const item of items) found.push(item);
  return found;
}

void t.test('what goes leaves the others whole', async (t) => {
  const blocks = new BlockMap();
  const tree = seededTree(31, 1500);
  const [old, now, other] = [tree, seededEdits(tree, 32, 30), seededEdits(tree, 33, 30)].map((one) => blocks.build(one.values()).root) as [Digest, Digest, Digest];
  const unshared = await collect(unsharedBlocks(blocks.manifest(old), [blocks.manifest(now), blocks.manifest(other)]));
  t.ok(unshared.includes(old));
  for (const digest of unshared) blocks.blocks.delete(digest);
  for (const root of [now, other]) for await (const _ of blocks.manifest(root).blocks());
  t.same(await collect(unsharedBlocks(blocks.manifest(now), [blocks.manifest(now)])), []);
});

void t.test('a file that moved keeps its chunk list', async (t) => {
  const blocks = new BlockMap();
  const common = { mode: 0o644, uid: 0, gid: 0, mtimeSeconds: 0, mtimeNanos: 0 };
  const large = (path: string): Entry => {
    const pieces = Array.from({ length: 2000 }, (_, index) => ({ digest: hash(Buffer.from(`${index}`)), chunkBytes: 10, offsetBytes: 0, lengthBytes: 10 }));
    return { type: 'file', key: keyFromPath(path), ...common, sizeBytes: 20_000, content: { pieces } };
  };
  const root: Entry = { type: 'directory', key: keyFromPath(''), ...common };
  const [old, now] = [blocks.build([root, large('a')]).root, blocks.build([root, large('b')]).root];
  t.same(await collect(unsharedBlocks(blocks.manifest(old), [blocks.manifest(now)])), [old]);
  await t.rejects(collect(unsharedBlocks(blocks.manifest(old), [new Manifest(now, async () => undefined)])), { code: 'BC_MANIFEST_INCOMPLETE' });
});
