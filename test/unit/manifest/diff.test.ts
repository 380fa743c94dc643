import t from 'tap';
import { MiB } from '../../../src/base/units.ts';
import type { Digest } from '../../../src/chunking/digest.ts';
import { hash } from '../../../src/chunking/hash.ts';
import { detached, type ManifestChange } from '../../../src/manifest/change.ts';
import { diffManifests } from '../../../src/manifest/diff.ts';
import type { Entry, FileEntry } from '../../../src/manifest/entry.ts';
import { endsNode, keyHash } from '../../../src/manifest/key-hash.ts';
import { displayPath, keyFromPath } from '../../../src/manifest/key.ts';
import { NodeReader } from '../../../src/manifest/node-reader.ts';
import { Manifest } from '../../../src/manifest/read.ts';
import { BlockMap, chunk } from '../../doubles/block-map.ts';
import { seededEdits, seededTree, sorted } from '../../doubles/seeded-tree.ts';

const COMMON = { mode: 0o644, uid: 0, gid: 0, mtimeSeconds: 0, mtimeNanos: 0 };
const root: Entry = { type: 'directory', key: keyFromPath(''), ...COMMON };
const file = (path: string, name: string, offsetBytes = 0): FileEntry => ({
  type: 'file', key: keyFromPath(path), ...COMMON, sizeBytes: 10, content: { pieces: [{ digest: hash(Buffer.from(name)), chunkBytes: 100, offsetBytes, lengthBytes: 10 }] },
});

async function diff(before: readonly Entry[] | undefined, after: readonly Entry[]): Promise<ManifestChange[]> {
  const blocks = new BlockMap();
  const changes: ManifestChange[] = [];
  const old = before === undefined ? undefined : blocks.manifest(blocks.build(before).root);
  for await (const change of diffManifests(old, blocks.manifest(blocks.build(after).root))) changes.push(change);
  return changes;
}

function brief(changes: readonly ManifestChange[]): string[] {
  return changes.map(({ kind, before, after, contentChanged }) => `${kind} ${displayPath((after ?? before ?? root).key)}${contentChanged ? '' : ' (metadata)'}`);
}

void t.test('what counts as which change', async (t) => {
  const link = (target: string): Entry => ({ type: 'symlink', key: keyFromPath('c'), ...COMMON, target: Buffer.from(target) });
  const list = (last: string): FileEntry => {
    const pieces = Array.from({ length: 20 }, (_, index) => ({ digest: hash(Buffer.from(index === 19 ? last : `${index}`)), chunkBytes: 5, offsetBytes: 0, lengthBytes: 5 }));
    return { ...file('a', ''), sizeBytes: 100, content: { pieces } };
  };
  const holes = (offsetBytes: number): FileEntry => ({ ...file('a', 'x'), sizeBytes: 20, holes: [{ offsetBytes, lengthBytes: 10 }] });
  const cases: readonly (readonly [string, readonly Entry[], readonly Entry[], readonly string[]])[] = [
    ['nothing', [file('a', 'x')], [file('a', 'x')], []],
    ['added', [], [file('a', 'x'), file('b', 'x')], ['added a', 'added b']],
    ['removed', [file('a', 'x'), file('b', 'x')], [file('a', 'x')], ['removed b']],
    ['content', [file('a', 'x')], [file('a', 'y')], ['changed a']],
    ['another place in the chunk', [file('a', 'x')], [file('a', 'x', 1)], ['changed a']],
    ['the index of a chunk is nothing', [file('a', 'x'), file('b', 'y')], [file('b', 'y')], ['removed a']],
    ['mode', [file('a', 'x')], [{ ...file('a', 'x'), mode: 0o600 }], ['changed a (metadata)']],
    ['mtime', [file('a', 'x')], [{ ...file('a', 'x'), mtimeNanos: 1 }], ['changed a (metadata)']],
    ['xattrs', [file('a', 'x')], [{ ...file('a', 'x'), xattrs: [{ name: Buffer.from('user.a'), value: Buffer.alloc(0) }] }], ['changed a (metadata)']],
    ['xattrs of a changed file', [file('a', 'x')], [{ ...file('a', 'y'), xattrs: [{ name: Buffer.from('user.a'), value: Buffer.alloc(0) }] }], ['changed a']],
    ['holes', [holes(0)], [holes(10)], ['changed a']],
    ['size alone, by a hole', [file('a', 'x')], [holes(0)], ['changed a']],
    ['link target', [link('a')], [link('b')], ['changed c']],
    ['link owner', [link('a')], [{ ...link('a'), uid: 1 } as Entry], ['changed c (metadata)']],
    ['type', [link('a')], [file('c', 'x')], ['changed c']],
    ['device number', [{ type: 'char-device', key: keyFromPath('d'), ...COMMON, major: 1, minor: 2 }], [{ type: 'char-device', key: keyFromPath('d'), ...COMMON, major: 1, minor: 3 }], ['changed d']],
    ['chunk list', [list('19')], [list('x')], ['changed a']],
    ['chunk list, metadata', [list('19')], [{ ...list('19'), uid: 1 }], ['changed a (metadata)']],
    ['hardlink target', [file('a', 'x'), file('b', 'x'), { type: 'hardlink', key: keyFromPath('c'), target: keyFromPath('a') }], [file('a', 'x'), file('b', 'x'), { type: 'hardlink', key: keyFromPath('c'), target: keyFromPath('b') }], ['changed c']],
  ];
  for (const [what, before, after, expected] of cases) t.same(brief(await diff([root, ...before], [root, ...after])), expected, what);
  t.same(brief(await diff(undefined, [root, file('a', 'x')])), ['added .', 'added a'], 'without a before');
  t.same(brief(await diff([root], [{ ...root, mode: 0o700 }])), ['changed . (metadata)'], 'the root directory itself');
});

void t.test('nodes that are read: those above the changes, and no others', async (t) => {
  const tree = seededTree(3, 10_000);
  const blocks = new BlockMap();
  const before = blocks.build(tree.values());
  const depth = 2;
  for (const editCount of [1, 10, 100]) {
    const edited = seededEdits(tree, editCount, editCount);
    const after = blocks.build(edited.values());
    let changes = 0;
    blocks.readCount = 0;
    for await (const _ of diffManifests(blocks.manifest(before.root), blocks.manifest(after.root))) changes += 1;
    t.ok(changes > 0);
    t.ok(blocks.readCount <= 4 * depth * changes, `${blocks.readCount} nodes read for ${changes} changes`);
    if (editCount === 1) t.ok(blocks.readCount < 10);
  }
  blocks.readCount = 0;
  for await (const _ of diffManifests(blocks.manifest(before.root), blocks.manifest(before.root))) t.fail('a tree differs from itself');
  t.equal(blocks.readCount, 0);
});

void t.test('trees of different height', async (t) => {
  const entries = sorted(seededTree(5, 1500));
  const few = entries.slice(0, 3).filter(({ type }) => type !== 'hardlink');
  t.equal((await diff(few, entries)).filter(({ kind }) => kind === 'added').length, entries.length - few.length);
  t.equal((await diff(entries, few)).filter(({ kind }) => kind === 'removed').length, entries.length - few.length);
  t.equal((await diff(undefined, entries)).length, entries.length);
});

void t.test('a node that is not there is an error, not a difference', async (t) => {
  const blocks = new BlockMap();
  const before = blocks.build([root, file('a', 'x')]).root;
  const after = blocks.build([root, file('a', 'y')]).root;
  blocks.blocks.delete(before);
  await t.rejects(async () => {
    for await (const _ of diffManifests(blocks.manifest(before), blocks.manifest(after)));
  }, { code: 'BC_MANIFEST_INCOMPLETE' });
});

void t.test('the entries of a change are those of the trees, whenever and in whatever order they are asked for', async (t) => {
  const blocks = new BlockMap();
  const tree = seededTree(11, 600);
  const [before, after] = [blocks.manifest(blocks.build(tree.values()).root), blocks.manifest(blocks.build(seededEdits(tree, 12, 60).values()).root)];
  const changes: ManifestChange[] = [];
  for await (const change of diffManifests(before, after)) changes.push(change);
  t.ok(changes.length > 20);
  for (const change of changes.toReversed()) {
    const { key } = (change.after ?? change.before) as Entry;
    t.same(change.before, await before.lookup(key));
    t.same(change.after, await after.lookup(key));
    const { kind, contentChanged, before: old, after: now } = change;
    const plain = detached(change);
    t.same(plain, { kind, before: old, after: now, contentChanged });
    t.ok(plain.before === old && plain.after === now, 'each is one object, which may be a key of a map');
    t.equal(detached(plain), plain, 'what is detached stays as it is');
  }
});

void t.test('a node that breaks the format is refused before a change of it is given out', async (t) => {
  const blocks = new BlockMap();
  const before = blocks.build([root, file('a', 'x')]).root;
  const meta = [0o644, 0, 0, 0, 0];
  const leaf = (last: unknown): Digest => blocks.putNode([1, 1, [[chunk('y'), 100]], [[0, Buffer.alloc(0), 1, [0o755, 0, 0, 0, 0], null], [0, Buffer.from('a'), 0, meta, [10, [0, 0, 10]]], last]]);
  const cases: readonly (readonly [string, unknown, string])[] = [
    ['pieces that do not fill the file', [0, Buffer.from('z'), 0, meta, [11, [0, 0, 10]]], 'BC_MANIFEST_MALFORMED'],
    ['a mode out of range', [0, Buffer.from('z'), 0, [0o10000, 0, 0, 0, 0], [0, []]], 'BC_MANIFEST_MALFORMED'],
    ['a link target with a NUL byte', [0, Buffer.from('z'), 2, meta, Buffer.from('a\0b')], 'BC_MANIFEST_UNSAFE'],
    ['attributes out of order', [0, Buffer.from('z'), 0, meta, [0, []], { xattrs: [[Buffer.from('b'), Buffer.alloc(0)], [Buffer.from('a'), Buffer.alloc(0)]] }], 'BC_MANIFEST_MALFORMED'],
  ];
  for (const [what, last, code] of cases) {
    let count = 0;
    await t.rejects(async () => {
      for await (const _ of diffManifests(blocks.manifest(before), blocks.manifest(leaf(last)))) count += 1;
    }, { code }, what);
    t.equal(count, 0, what);
  }
});

void t.test('two manifests that share a reader, which then gives both the same leaf', async (t) => {
  const names = Array.from({ length: 3000 }, (_, index) => `f${String(index).padStart(5, '0')}`);
  const ends = (name: string): boolean => endsNode(keyHash(keyFromPath(name)), 0);
  // Right behind a key that ends a node one that does so as well: a new leaf before unchanged ones.
  const last = names.find((name, index) => index > 500 && ends(name)) as string;
  let added = 0;
  while (!ends(`${last}-${added}`)) added += 1;
  const blocks = new BlockMap();
  const build = (paths: readonly string[]): Digest => blocks.build([root, ...[...paths].sort().map((name) => file(name, name))]).root;
  const [old, now] = [build(names), build([...names, `${last}-${added}`])];
  const reader = new NodeReader(async (digest) => blocks.blocks.get(digest), MiB);
  const changes: ManifestChange[] = [];
  for await (const change of diffManifests(new Manifest(old, reader), new Manifest(now, reader))) changes.push(change);
  t.same(brief(changes), [`added ${last}-${added}`]);
});
