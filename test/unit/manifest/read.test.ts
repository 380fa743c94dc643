import t from 'tap';
import { NODE_ENTRIES_MAX, NODES_KEPT_BYTES_MAX, NODES_KEPT_MAX } from '../../../src/base/limits/manifests.ts';
import { ENTRIES_TOGETHER } from '../../../src/base/limits/trees.ts';
import { MiB } from '../../../src/base/units.ts';
import type { Digest } from '../../../src/chunking/digest.ts';
import type { Entry, FileEntry } from '../../../src/manifest/entry.ts';
import { displayPath, isWithin, keyFromPath, parentKey } from '../../../src/manifest/key.ts';
import { nodeLinks } from '../../../src/manifest/node.ts';
import { NodeReader } from '../../../src/manifest/node-reader.ts';
import { Manifest } from '../../../src/manifest/read.ts';
import { BlockMap } from '../../doubles/block-map.ts';
import { seededTree, sorted } from '../../doubles/seeded-tree.ts';

const tree = seededTree(1, 2500);
const entries = sorted(tree);
const blocks = new BlockMap();
const built = blocks.build(entries);
const manifest = blocks.manifest(built.root);

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const item of items) found.push(item);
  return found;
}

/** Entries as they were added, but for the lists that large files got. */
function comparable(entry: Entry): unknown {
  return entry.type === 'file' ? { ...entry, content: 'pieces' in entry.content && entry.content.pieces.length <= 16 ? entry.content : 'list' } : entry;
}

void t.test('every entry comes back as it was added', async (t) => {
  const found = await all(manifest.entries());
  t.equal(found.length, entries.length);
  t.ok(found.some((entry) => entry.type === 'file' && 'list' in entry.content), 'the tree has chunk lists');
  t.ok(found.some((entry) => entry.type === 'file' && entry.holes !== undefined));
  t.ok(found.some((entry) => entry.type !== 'hardlink' && entry.xattrs !== undefined));
  t.same(new Set(found.map(({ type }) => type)).size, 7);
  t.same(found.map(comparable), entries.map(comparable));
});

void t.test('entries some at a time', async (t) => {
  const runs = await all(manifest.runs());
  t.same(runs.flat().map(comparable), entries.map(comparable));
  t.ok(runs.length > 2);
  t.ok(runs.slice(0, -1).every((run) => run.length >= ENTRIES_TOGETHER && run.length < ENTRIES_TOGETHER + NODE_ENTRIES_MAX));
});

void t.test('the files of a chunk', async (t) => {
  const inPieces = (entry: Entry): entry is FileEntry => entry.type === 'file' && 'pieces' in entry.content;
  const found = (await all(manifest.entries())).filter((entry) => entry.type === 'file');
  const listed = found.filter((entry) => !inPieces(entry));
  for (const { content } of found.filter(inPieces).slice(0, 20)) {
    const wanted = 'pieces' in content ? content.pieces[0]?.digest : undefined;
    const expected = found.filter((entry) => !inPieces(entry) || ('pieces' in entry.content && entry.content.pieces.some(({ digest }) => digest === wanted)));
    t.same((await all(manifest.filesOf((digest) => digest === wanted))).map(({ key }) => displayPath(key)), expected.map(({ key }) => displayPath(key)));
  }
  t.ok(listed.length > 0);
  t.same(await all(manifest.filesOf(() => false)), listed);
});

void t.test('lookup', async (t) => {
  for (let index = 0; index < entries.length; index += 37) {
    const entry = entries[index] as Entry;
    const found = await manifest.lookup(entry.key);
    t.same(found && comparable(found), comparable(entry));
  }
  for (const path of ['zzz', '!', 'a/b/c/d/e/f', 'a1x', '\u{10ffff}']) t.equal(await manifest.lookup(keyFromPath(path)), undefined, path);
});

void t.test('the pieces of files', async (t) => {
  for (const entry of entries) {
    if (entry.type !== 'file' || !('pieces' in entry.content) || entry.content.pieces.length < 3) continue;
    t.same(await all(manifest.pieces((await manifest.lookup(entry.key)) as FileEntry)), entry.content.pieces);
  }
});

void t.test('what is below a directory, and what is in it', async (t) => {
  const directories = entries.filter(({ type }) => type === 'directory');
  t.ok(directories.length > 50);
  for (const { key } of [...directories.slice(0, 20), ...directories.slice(-20)]) {
    const below = entries.filter((entry) => isWithin(entry.key, key));
    t.same((await all(manifest.entries(key))).map((entry) => displayPath(entry.key)), below.map((entry) => displayPath(entry.key)));
    const inside = entries.filter((entry) => Buffer.compare(parentKey(entry.key) ?? Buffer.of(0), key) === 0);
    t.same((await all(manifest.list(key))).map((entry) => displayPath(entry.key)), inside.map((entry) => displayPath(entry.key)));
  }
  const file = entries.find(({ type }) => type === 'file') as Entry;
  t.same(await all(manifest.list(file.key)), [], 'a file has no list');
  t.same((await all(manifest.entries(file.key))).length, 1, 'a file alone');
  t.same(await all(manifest.list(keyFromPath('no/such'))), []);
  t.same(await all(manifest.entries(keyFromPath('no/such'))), []);
});

void t.test('a list reads its own directory, not what is below it', async (t) => {
  blocks.readCount = 0;
  await all(blocks.manifest(built.root).entries());
  const whole = blocks.readCount;
  blocks.readCount = 0;
  const deep = entries.filter(({ type }) => type === 'directory').at(-1) ?? (entries[0] as Entry);
  await all(blocks.manifest(built.root).list(deep.key));
  t.ok(blocks.readCount < whole / 2, `${blocks.readCount} of ${whole}`);
});

void t.test('chunks: each once, in the order of first use', async (t) => {
  const expected = new Map<Digest, number>();
  for (const entry of entries) {
    if (entry.type === 'file' && 'pieces' in entry.content) for (const { digest, chunkBytes } of entry.content.pieces) expected.set(digest, chunkBytes);
  }
  t.ok(expected.size > 2000);
  t.same(await all(manifest.chunks()), [...expected].map(([digest, bytes]) => ({ digest, bytes })));
});

void t.test('blocks: each once, parents first, all that was built', async (t) => {
  const found = await all(manifest.blocks());
  t.same(new Set(found.map(({ digest }) => digest)), new Set(blocks.blocks.keys()));
  t.equal(found.length, built.nodeCount);
  t.equal(found.reduce((sum, { bytes }) => sum + bytes.byteLength, 0), built.nodeBytes);
  const named = new Set<Digest>([built.root]);
  for (const { digest, bytes } of found) {
    if (!named.has(digest)) t.fail(`${digest} comes before its parent`);
    for (const link of nodeLinks(digest, bytes)) named.add(link);
  }
});

void t.test('a block that is not there, or is another', async (t) => {
  const lacking = [...blocks.blocks.keys()].filter((digest) => digest !== built.root);
  for (const victim of [lacking[0], lacking[lacking.length >> 1], lacking.at(-1)]) {
    const without = new Manifest(built.root, async (digest) => (digest === victim ? undefined : blocks.blocks.get(digest)));
    const wrong = new Manifest(built.root, async (digest) => blocks.blocks.get(digest === victim ? built.root : digest));
    for (const walk of ['chunks', 'blocks'] as const) {
      await t.rejects(all<unknown>(without[walk]()), { code: 'BC_MANIFEST_INCOMPLETE', details: { node: victim } });
      await t.rejects(all<unknown>(wrong[walk]()), { code: 'BC_CHUNK_CORRUPT', details: { node: victim } });
    }
  }
  const empty = new Manifest(built.root, async () => undefined);
  await t.rejects(empty.lookup(keyFromPath('a')), { code: 'BC_MANIFEST_INCOMPLETE', details: { node: built.root } });
});

void t.test('what is given away does not change with the store', async (t) => {
  const copies = new Map([...blocks.blocks].map(([digest, bytes]) => [digest, Buffer.from(bytes)]));
  const found = await all(new Manifest(built.root, async (digest) => copies.get(digest)).entries());
  for (const bytes of copies.values()) bytes.fill(0);
  t.same(found.map(comparable), entries.map(comparable));
});

void t.test('a reader that keeps nodes reads each once, also for a second manifest, and no more than it may keep', async (t) => {
  const [first, other] = [new BlockMap(), new BlockMap()];
  const many = sorted(seededTree(2, 30_000));
  const roots = [first.build(many).root, other.build(many.slice(0, -1)).root];
  const stored = (digest: Digest): Uint8Array | undefined => first.blocks.get(digest) ?? other.blocks.get(digest);
  const memoryBytes = new Map<Digest, number>();
  for (const root of roots) for await (const { digest, leaf } of new Manifest(root, async (digest) => stored(digest)).leaves()) memoryBytes.set(digest, leaf.memoryBytes);
  const totalBytes = [...memoryBytes.values()].reduce((sum, bytes) => sum + bytes, 0);
  const reads = new Map<Digest, number>();
  const walk = async (keptBytesMax: number): Promise<void> => {
    reads.clear();
    const reader = new NodeReader(async (digest) => {
      reads.set(digest, (reads.get(digest) ?? 0) + 1);
      return stored(digest);
    }, keptBytesMax);
    const manifests = roots.map((root) => new Manifest(root, reader));
    for (let pass = 0; pass < 3; pass += 1) for (const each of manifests) await all(each.leaves());
  };
  const keptBytes = (): number => [...memoryBytes].reduce((sum, [digest, bytes]) => sum + (reads.get(digest) === 1 ? bytes : 0), 0);
  await walk(2 * totalBytes);
  t.same(new Set(reads.values()), new Set([1]), 'each once');
  t.equal(keptBytes(), totalBytes);
  // What was read last is kept besides, and gone again when a walk comes back.
  t.ok(memoryBytes.size > 3 * NODES_KEPT_MAX);
  await walk(totalBytes / 2);
  t.ok(keptBytes() > totalBytes / 3 && keptBytes() <= totalBytes / 2, `${keptBytes()} of ${totalBytes} bytes`);
  await walk(0);
  t.equal(keptBytes(), 0);
});

void t.test('nodes that take much more memory than their blocks: few are kept', async (t) => {
  // Keys that are long and differ in their ends alone: a few bytes each in the node.
  const deep = Array.from({ length: 15 }, () => 'd'.repeat(200));
  const directories = deep.map((_, index): Entry => ({ type: 'directory', key: keyFromPath(deep.slice(0, index + 1).join('/')), mode: 0o755, uid: 0, gid: 0, mtimeSeconds: 0, mtimeNanos: 0 }));
  const fifos = Array.from({ length: 4000 }, (_, index): Entry => ({ type: 'fifo', key: keyFromPath(`${deep.join('/')}/${String(index).padStart(5, '0')}`), mode: 0o644, uid: 0, gid: 0, mtimeSeconds: 0, mtimeNanos: 0 }));
  const long = new BlockMap();
  const { root } = long.build([{ ...(directories[0] as Entry), key: keyFromPath('') }, ...directories, ...fifos]);
  let blockBytes = 0;
  let leafBytes = 0;
  const read: Digest[] = [];
  const reader = new NodeReader(async (digest) => {
    read.push(digest);
    return long.blocks.get(digest);
  }, MiB);
  const deepTree = new Manifest(root, reader);
  for await (const { digest, leaf } of deepTree.leaves()) {
    blockBytes += (long.blocks.get(digest) as Uint8Array).byteLength;
    leafBytes += leaf.memoryBytes;
  }
  t.ok(leafBytes > 20 * blockBytes && leafBytes > NODES_KEPT_BYTES_MAX, `${leafBytes} bytes of memory for ${blockBytes} of blocks`);
  const nodeCount = read.length;
  read.length = 0;
  await all(deepTree.leaves());
  t.ok(read.length > 0 && read.length < nodeCount, `${read.length} of ${nodeCount} read again`);
});
