import t from 'tap';
import type { Digest } from '../../../src/chunking/digest.ts';
import { hash } from '../../../src/chunking/hash.ts';
import type { Entry, FileEntry } from '../../../src/manifest/entry.ts';
import { keyFromPath } from '../../../src/manifest/key.ts';
import { missingBlocks } from '../../../src/manifest/missing-blocks.ts';
import { nodeLinks } from '../../../src/manifest/node.ts';
import { Manifest } from '../../../src/manifest/read.ts';
import { BlockMap } from '../../doubles/block-map.ts';
import { seededEdits, seededTree, sorted } from '../../doubles/seeded-tree.ts';

const COMMON = { mode: 0o644, uid: 0, gid: 0, mtimeSeconds: 0, mtimeNanos: 0 };
const root: Entry = { type: 'directory', key: keyFromPath(''), ...COMMON };
const tree = seededTree(11, 6000);
const blocks = new BlockMap();
const before = blocks.build(tree.values());
const edited = seededEdits(tree, 12, 10);
const after = blocks.build(edited.values());
const other = blocks.build(seededEdits(tree, 13, 5).values());

async function missing(wanted: Manifest, haves: readonly Manifest[]): Promise<Digest[]> {
  const digests: Digest[] = [];
  for await (const { digest, bytes } of missingBlocks(wanted, haves)) {
    if (hash(bytes) !== digest) t.fail(`other bytes for ${digest}`);
    digests.push(digest);
  }
  return digests;
}

async function digestsOf(manifest: Manifest): Promise<Set<Digest>> {
  const digests = new Set<Digest>();
  for await (const { digest } of manifest.blocks()) digests.add(digest);
  return digests;
}

void t.test('what comes completes what is there', async (t) => {
  const [old, now] = [await digestsOf(blocks.manifest(before.root)), await digestsOf(blocks.manifest(after.root))];
  const found = await missing(blocks.manifest(after.root), [blocks.manifest(before.root)]);
  t.equal(new Set(found).size, found.length, 'each once');
  t.ok(found.length > 5 && found.length < now.size / 2);
  t.same(new Set([...found, ...[...now].filter((digest) => old.has(digest))]), now);
  t.same(found.filter((digest) => old.has(digest)), [], 'nothing that is there');
  const named = new Set([after.root]);
  for (const digest of found) {
    if (!named.has(digest)) t.fail(`${digest} comes before its parent`);
    for (const link of nodeLinks(digest, blocks.blocks.get(digest) as Uint8Array)) named.add(link);
  }
});

void t.test('several haves, none, and the same', async (t) => {
  const all = [...(await digestsOf(blocks.manifest(after.root)))];
  t.same(await missing(blocks.manifest(after.root), []), all);
  t.same(await missing(blocks.manifest(after.root), [blocks.manifest(after.root)]), []);
  t.same(await missing(blocks.manifest(after.root), [blocks.manifest(before.root), blocks.manifest(after.root)]), []);
  const one = await missing(blocks.manifest(after.root), [blocks.manifest(other.root)]);
  const both = await missing(blocks.manifest(after.root), [blocks.manifest(other.root), blocks.manifest(before.root)]);
  const held = new Set([...(await digestsOf(blocks.manifest(before.root))), ...(await digestsOf(blocks.manifest(other.root)))]);
  t.ok(both.length < one.length);
  t.same(both.filter((digest) => held.has(digest)), []);
});

void t.test('trees of very different size', async (t) => {
  const few = blocks.build(sorted(tree).slice(0, 5).filter(({ type }) => type !== 'hardlink'));
  const held = await digestsOf(blocks.manifest(before.root));
  t.same(await missing(blocks.manifest(few.root), [blocks.manifest(before.root)]), [few.root].filter((digest) => !held.has(digest)));
  t.same(await missing(blocks.manifest(before.root), [blocks.manifest(few.root)]), [...held]);
});

void t.test('a tree that has become a part of a higher one is not sent again', async (t) => {
  // Leaves that `low` ends in whole stand in `high` as they are.
  const entries = sorted(seededTree(17, 3000)).filter(({ type }) => type !== 'hardlink');
  const low = blocks.build(entries.slice(0, 400));
  const high = blocks.build(entries);
  const held = await digestsOf(blocks.manifest(low.root));
  const shared = [...(await digestsOf(blocks.manifest(high.root)))].filter((digest) => held.has(digest));
  t.ok(shared.length > 0);
  t.same((await missing(blocks.manifest(high.root), [blocks.manifest(low.root)])).filter((digest) => held.has(digest)), []);
});

void t.test('of a have only what is beside changes is read', async (t) => {
  const large = seededTree(19, 12_000);
  const old = blocks.build(large.values());
  const victim = [...large.values()].find(({ type }) => type === 'fifo') as Entry;
  const now = blocks.build([...large.values()].map((entry) => (entry === victim ? ({ ...victim, mtimeSeconds: 5 } as Entry) : entry)));
  blocks.readCount = 0;
  const found = await missing(blocks.manifest(now.root), [blocks.manifest(old.root)]);
  t.ok(found.length <= 4);
  t.ok(blocks.readCount <= 12, `${blocks.readCount} nodes read`);
});

void t.test('of a have no leaf is read for what has no chunk list, however much has changed', async (t) => {
  const plain = (mtimeSeconds: number): Entry[] => [root, ...Array.from({ length: 5000 }, (_, index): Entry => ({ type: 'fifo', key: keyFromPath(`f${String(index).padStart(5, '0')}`), ...COMMON, mtimeSeconds }))];
  const haves = [1, 2, 3].map((mtimeSeconds) => blocks.build(plain(mtimeSeconds)));
  const now = blocks.build(plain(4));
  blocks.readCount = 0;
  const found = await missing(blocks.manifest(now.root), haves.map(({ root }) => blocks.manifest(root)));
  t.equal(found.length, now.nodeCount);
  t.ok(found.length > 20);
  t.ok(blocks.readCount < found.length + 10, `${blocks.readCount} nodes read for ${found.length}`);
});

void t.test('chunk lists: nodes that the old list has are not sent', async (t) => {
  const list = (first: string): FileEntry => {
    const pieces = Array.from({ length: 5000 }, (_, index) => ({ digest: hash(Buffer.from(index === 0 ? first : `${index}`)), chunkBytes: 10, offsetBytes: 0, lengthBytes: 10 }));
    return { type: 'file', key: keyFromPath('a'), ...COMMON, sizeBytes: 50_000, content: { pieces } };
  };
  const old = blocks.build([root, list('x')]);
  const now = blocks.build([root, list('y')]);
  t.ok(old.nodeCount > 20);
  t.ok((await missing(blocks.manifest(now.root), [blocks.manifest(old.root)])).length <= 5);
  const touched = blocks.build([root, { ...list('x'), mode: 0o600 }]);
  t.same(await missing(blocks.manifest(touched.root), [blocks.manifest(old.root)]), [touched.root]);
});

void t.test('a have that has gaps counts as far as it goes', async (t) => {
  const digests = [...(await digestsOf(blocks.manifest(before.root)))];
  for (const gap of [digests[0], digests[1], digests.at(-1)]) {
    const have = new Manifest(before.root, async (digest) => (digest === gap ? undefined : blocks.blocks.get(digest)));
    const rotten = new Manifest(before.root, async (digest) => (digest === gap ? Buffer.of(0x80) : blocks.blocks.get(digest)));
    for (const incomplete of [have, rotten]) {
      const found = new Set(await missing(blocks.manifest(after.root), [incomplete]));
      t.same((await missing(blocks.manifest(after.root), [blocks.manifest(before.root)])).filter((digest) => !found.has(digest)), []);
    }
  }
  const nothing = new Manifest(before.root, async () => undefined);
  t.same(await missing(blocks.manifest(after.root), [nothing]), await missing(blocks.manifest(after.root), []));
  const noManifest = blocks.putNode({ a: 1 });
  t.same(await missing(blocks.manifest(after.root), [blocks.manifest(noManifest)]), await missing(blocks.manifest(after.root), []));
  const gap = new Manifest(after.root, async () => undefined);
  await t.rejects(missing(gap, [blocks.manifest(before.root)]), { code: 'BC_MANIFEST_INCOMPLETE' }, 'of what is wanted nothing may lack');
});
