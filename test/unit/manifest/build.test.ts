import t from 'tap';
import { FILE_HOLES_MAX, INLINE_PIECES_MAX, NODE_BYTES_MAX, NODE_SPLIT_BYTES, NODE_SPLIT_ENTRIES, PATH_BYTES_MAX, XATTRS_BYTES_MAX } from '../../../src/base/limits/manifests.ts';
import { hash } from '../../../src/chunking/hash.ts';
import { buildManifest, ManifestBuilder } from '../../../src/manifest/build.ts';
import type { DirectoryEntry, Entry, FileEntry, Piece } from '../../../src/manifest/entry.ts';
import { keyFromPath } from '../../../src/manifest/key.ts';
import { endsNode, keyHash } from '../../../src/manifest/key-hash.ts';
import { decodeNode } from '../../../src/manifest/node.ts';
import { BlockMap } from '../../doubles/block-map.ts';
import { seededTree, sorted } from '../../doubles/seeded-tree.ts';

const COMMON = { mode: 0o755, uid: 0, gid: 0, mtimeSeconds: 1_700_000_000, mtimeNanos: 0 };
const directory = (path: string): DirectoryEntry => ({ type: 'directory', key: keyFromPath(path), ...COMMON });
const piece = (name: string, lengthBytes = 1000): Piece => ({ digest: hash(Buffer.from(name)), chunkBytes: lengthBytes, offsetBytes: 0, lengthBytes });
const file = (path: string, pieces: readonly Piece[] = []): FileEntry => ({ type: 'file', key: keyFromPath(path), ...COMMON, sizeBytes: pieces.reduce((sum, { lengthBytes }) => sum + lengthBytes, 0), content: { pieces } });
const root = directory('');

function build(entries: readonly Entry[]): void {
  const builder = new ManifestBuilder(() => undefined);
  for (const entry of entries) builder.add(entry);
  builder.finish();
}

void t.test('figures', (t) => {
  const blocks = new BlockMap();
  const built = blocks.build([root, file('a', [piece('1')]), file('b'), directory('d'), file('d/c', [piece('2', 5)]), { type: 'hardlink', key: keyFromPath('e'), target: keyFromPath('a') }]);
  t.match(built, { entryCount: 6, fileCount: 3, logicalBytes: 1005, nodeCount: 1 });
  t.equal(built.nodeBytes, blocks.blocks.get(built.root)?.byteLength);
  t.end();
});

void t.test('what a reader would refuse cannot be added', (t) => {
  const bad: Record<string, readonly Entry[]> = {
    'no root directory': [directory('a')],
    'the root is a file': [{ ...file('a'), key: keyFromPath('') }],
    'nothing at all': [],
    'not ascending': [root, file('b'), file('a')],
    'twice': [root, file('a'), file('a')],
    'below a file': [root, file('a'), file('a/b')],
    'below a link': [root, { ...root, type: 'symlink', key: keyFromPath('a'), target: Buffer.from('/') }, file('a/b')],
    'in no directory': [root, file('a/b')],
    'a key that is no path': [root, { ...file('a'), key: Buffer.from('..') }],
    'mode': [{ ...root, mode: 0o10000 }],
    'uid': [{ ...root, uid: -1 }],
    'gid': [{ ...root, gid: 2 ** 32 - 1 }],
    'nanoseconds': [{ ...root, mtimeNanos: 1_000_000_000 }],
    'half a second': [{ ...root, mtimeSeconds: 0.5 }],
    'size': [root, { ...file('a'), sizeBytes: 1 }],
    'chunk length': [root, file('a', [piece('1', 2 ** 20 + 1)])],
    'an empty piece': [root, file('a', [piece('1', 0)])],
    'a piece beyond its chunk': [root, file('a', [{ ...piece('1', 10), offsetBytes: 1 }])],
    'a chunk of two lengths': [root, file('a', [piece('1', 10)]), file('b', [piece('1', 11)])],
    'an empty link': [root, { ...root, type: 'symlink', key: keyFromPath('a'), target: Buffer.alloc(0) }],
    'a link with NUL': [root, { ...root, type: 'symlink', key: keyFromPath('a'), target: Buffer.from('a\0') }],
    'a link too long': [root, { ...root, type: 'symlink', key: keyFromPath('a'), target: Buffer.alloc(4096, 0x61) }],
    'a hardlink to what comes later': [root, { type: 'hardlink', key: keyFromPath('a'), target: keyFromPath('b') }],
    'a hardlink to the root': [root, { type: 'hardlink', key: keyFromPath('a'), target: keyFromPath('') }],
    'a device number': [root, { ...root, type: 'char-device', key: keyFromPath('a'), major: 2 ** 32, minor: 0 }],
    'holes that touch': [root, { ...file('a'), sizeBytes: 20, holes: [{ offsetBytes: 0, lengthBytes: 10 }, { offsetBytes: 10, lengthBytes: 10 }] }],
    'a hole beyond the end': [root, { ...file('a'), sizeBytes: 20, holes: [{ offsetBytes: 10, lengthBytes: 20 }] }],
    'xattrs out of order': [{ ...root, xattrs: [{ name: Buffer.from('b'), value: Buffer.alloc(0) }, { name: Buffer.from('a'), value: Buffer.alloc(0) }] }],
    'xattrs without a name': [{ ...root, xattrs: [{ name: Buffer.alloc(0), value: Buffer.alloc(0) }] }],
    'xattrs too large': [{ ...root, xattrs: [{ name: Buffer.from('b'), value: Buffer.alloc(65_536) }] }],
  };
  for (const [what, entries] of Object.entries(bad)) t.throws(() => build(entries), { code: 'BC_USAGE' }, what);
  t.end();
});

void t.test('nodes stay within their bounds, whatever the names', (t) => {
  const blocks = new BlockMap();
  const long = Array.from({ length: 900 }, (_, index) => ({ ...file(`${String(index).padStart(4, '0')}${'n'.repeat(250)}`), xattrs: index % 300 === 0 ? [{ name: Buffer.from('user.large'), value: Buffer.alloc(65_500) }] : [] }));
  blocks.build([root, ...long]);
  let large = 0;
  for (const [digest, bytes] of blocks.blocks) {
    const node = decodeNode(bytes, digest);
    t.ok(bytes.byteLength <= NODE_BYTES_MAX);
    if (bytes.byteLength <= NODE_SPLIT_BYTES + 32) continue;
    large += 1;
    t.equal(node.kind === 'leaf' ? node.entryCount : 0, 1, 'only a single entry may be larger');
  }
  t.equal(large, 3);
  t.end();
});

void t.test('the largest entry that may be fits a node', async (t) => {
  const names = Array.from({ length: 15 }, (_, index) => Array.from({ length: index + 1 }, () => 'n'.repeat(255)).join('/'));
  const holes = Array.from({ length: FILE_HOLES_MAX }, (_, index) => ({ offsetBytes: 2 ** 20 + index * (2 ** 33 + 1), lengthBytes: 2 ** 33 }));
  const xattrs = Array.from({ length: XATTRS_BYTES_MAX / 2 }, (_, index) => ({ name: Buffer.of(1 + Math.trunc(index / 255), 1 + (index % 255)), value: Buffer.alloc(0) }));
  const pieces = Array.from({ length: INLINE_PIECES_MAX }, (_, index) => ({ ...piece(`${index}`, 2 ** 20), offsetBytes: 2 ** 17, lengthBytes: 2 ** 18 }));
  const largest: FileEntry = { ...file(`${names.at(-1) ?? ''}/${'n'.repeat(255)}`, pieces), sizeBytes: FILE_HOLES_MAX * 2 ** 33 + INLINE_PIECES_MAX * 2 ** 18, holes, xattrs, uid: 2 ** 32 - 2 };
  t.equal(largest.key.length, PATH_BYTES_MAX - 1);
  const blocks = new BlockMap();
  const built = blocks.build([root, ...names.map((name) => directory(name)), largest]);
  t.ok(Math.max(...[...blocks.blocks.values()].map(({ byteLength }) => byteLength)) < NODE_BYTES_MAX / 2);
  t.same(await blocks.manifest(built.root).lookup(largest.key), largest);
});

void t.test('a level ends nodes at its bound of entries too', (t) => {
  // Keys that end no node by their hash: picked, since one in 128 does.
  const blocks = new BlockMap();
  const paths: string[] = [];
  for (let index = 0; paths.length < 2 * NODE_SPLIT_ENTRIES; index += 1) {
    const path = `f${String(index).padStart(6, '0')}`;
    if (!endsNode(keyHash(keyFromPath(path)), 0)) paths.push(path);
  }
  blocks.build([root, ...paths.map((path) => file(path))]);
  const counts = [...blocks.blocks].map(([digest, bytes]) => decodeNode(bytes, digest)).map((node) => (node.kind === 'leaf' ? node.entryCount : 0));
  t.same(counts, [NODE_SPLIT_ENTRIES, NODE_SPLIT_ENTRIES, 1, 0]);
  t.end();
});

void t.test('chunk lists', async (t) => {
  const pieces = (count: number): Piece[] => Array.from({ length: count }, (_, index) => piece(`${index}`, 100 + index));
  const blocks = new BlockMap();
  const built = blocks.build([root, file('16', pieces(INLINE_PIECES_MAX)), file('17', pieces(INLINE_PIECES_MAX + 1)), file('9000', pieces(9000)), file('9000-too', pieces(9000)), { ...file('9001', pieces(9000)), sizeBytes: 900_000 + (9000 * 8999) / 2 + 5, holes: [{ offsetBytes: 1, lengthBytes: 5 }] }]);
  const manifest = blocks.manifest(built.root);
  for (const count of [16, 17, 9000]) {
    const entry = (await manifest.lookup(keyFromPath(`${count}`))) as FileEntry;
    t.equal('pieces' in entry.content, count <= INLINE_PIECES_MAX);
    const found: Piece[] = [];
    for await (const one of manifest.pieces(entry)) found.push(one);
    t.same(found, pieces(count));
  }
  t.equal(built.nodeCount, blocks.blocks.size, 'nodes that files share are emitted and counted once');

  const streamed = new ManifestBuilder((block) => blocks.put(block));
  const list = streamed.chunkList();
  for (const one of pieces(9000)) list.add(one);
  t.same(list.finish(), ((await manifest.lookup(keyFromPath('9000'))) as FileEntry).content, 'the same list, streamed');
  const few = streamed.chunkList();
  few.add({ ...piece('1', 10), lengthBytes: 5 });
  t.same(few.finish(), { pieces: [{ ...piece('1', 10), lengthBytes: 5 }] }, 'few pieces stay as they are');

  t.throws(() => build([root, file('a', pieces(17).map((one) => ({ ...one, lengthBytes: 1 })))]), { code: 'BC_USAGE' }, 'lists hold whole chunks');
  t.throws(() => build([root, { ...file('a', pieces(17)), sizeBytes: 1 }]), { code: 'BC_USAGE' }, 'the list adds up to the size');
});

void t.test('a file of one chunk over and over still ends in a tree', async (t) => {
  // The digest of this chunk ends list nodes: every list leaf holds one chunk.
  let name = 0;
  while ((Number.parseInt(hash(Buffer.from(`${name}`)).slice(0, 2), 16) & 127) !== 0) name += 1;
  const blocks = new BlockMap();
  const built = blocks.build([root, file('zeros', Array.from({ length: 3000 }, () => piece(`${name}`)))]);
  t.ok(built.nodeCount < 30, `${built.nodeCount} nodes`);
  let count = 0;
  const manifest = blocks.manifest(built.root);
  for await (const _ of manifest.pieces((await manifest.lookup(keyFromPath('zeros'))) as FileEntry)) count += 1;
  t.equal(count, 3000);
});

void t.test('an edit changes the path from its leaf to the root, and nothing else', (t) => {
  const tree = seededTree(7, 8000);
  const before = new BlockMap();
  before.build(tree.values());
  const entries = sorted(tree);
  const after = new BlockMap();
  const victim = entries[5432] as Entry;
  after.build([...entries.filter((entry) => entry !== victim), { ...root, key: victim.key, type: 'fifo' }]);
  const fresh = [...after.blocks.keys()].filter((digest) => !before.blocks.has(digest));
  t.ok(fresh.length <= 6, `${fresh.length} new nodes of ${after.blocks.size}`);
  t.end();
});

void t.test('buildManifest sorts', (t) => {
  const emitted: string[] = [];
  const built = buildManifest([file('b'), root, file('a')], ({ digest }) => emitted.push(digest));
  t.equal(emitted.at(-1), built.root);
  build([root, file('a'), file('b')]);
  t.end();
});
