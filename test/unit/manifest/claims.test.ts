/** Trees whose nodes are well formed, each for itself, and lie about each other or break a rule of the whole tree. */
import t, { type Test } from 'tap';
import type { ErrorCode } from '../../../src/base/errors.ts';
import type { Digest } from '../../../src/chunking/digest.ts';
import type { FileEntry } from '../../../src/manifest/entry.ts';
import { keyFromPath } from '../../../src/manifest/key.ts';
import type { Manifest } from '../../../src/manifest/read.ts';
import { BlockMap, chunk, node } from '../../doubles/block-map.ts';

const blocks = new BlockMap();
const META = [0o755, 0, 0, 0, 0];
const ROOT = [0, Buffer.alloc(0), 1, META, null];
const directory = (name: string): unknown[] => [0, Buffer.from(name), 1, META, null];
const leaf = (...entries: unknown[]): Digest => blocks.putNode([1, 1, [], entries]);
const interior = (level: number, ...children: unknown[]): Digest => blocks.putNode([1, 2, level, children]);
const child = (digest: Digest, lastKey: string, entryCount: number, logicalBytes = 0): unknown[] => [0, Buffer.from(lastKey), node(digest), entryCount, logicalBytes];

const left = leaf(ROOT, directory('a'), directory('b'));
const right = leaf(directory('c'), directory('d'));
const LIST = Array.from({ length: 20 }, (_, index) => [chunk(`${index}`), 10]);
const list = blocks.putNode([1, 3, LIST]);
const listed = (digest: Digest, sizeBytes: number, ...extra: unknown[]): Digest => leaf(ROOT, [0, Buffer.from('f'), 0, META, [sizeBytes, node(digest)], ...extra]);

async function drain(items: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of items);
}

async function refuse(t: Test, what: string, root: Digest, code: ErrorCode, message: RegExp, walks: readonly ('entries' | 'chunks' | 'blocks')[] = ['entries', 'chunks', 'blocks']): Promise<void> {
  for (const walk of walks) await t.rejects(drain(blocks.manifest(root)[walk]()), { code, message }, `${what}: ${walk}`);
}

void t.test('the doubles are good to begin with', async (t) => {
  for (const root of [interior(1, child(left, 'b', 3), child(right, 'd', 2)), listed(list, 200)]) {
    for (const walk of ['entries', 'chunks', 'blocks'] as const) await t.resolves(drain(blocks.manifest(root)[walk]()));
  }
});

void t.test('a parent that lies about a child', async (t) => {
  await refuse(t, 'entries', interior(1, child(left, 'b', 4), child(right, 'd', 2)), 'BC_MANIFEST_MALFORMED', /3 entries where its parent claims 4/);
  await refuse(t, 'bytes', interior(1, child(left, 'b', 3), child(right, 'd', 2, 1)), 'BC_MANIFEST_MALFORMED', /0 bytes of files where its parent claims 1/);
  await refuse(t, 'the last key', interior(1, child(left, 'b!', 3), child(right, 'd', 2)), 'BC_MANIFEST_MALFORMED', /last key is not the one/);
  await refuse(t, 'the first key', interior(1, child(left, 'b', 3), child(leaf(directory('a!'), directory('d')), 'd', 2)), 'BC_MANIFEST_MALFORMED', /first key lies before the range/);
  await refuse(t, 'the level', interior(2, child(left, 'b', 3), child(right, 'd', 2)), 'BC_MANIFEST_MALFORMED', /level 0 where its parent claims 1/);
  const low = interior(1, child(left, 'b', 3), child(right, 'd', 2));
  await refuse(t, 'a level skipped', interior(3, child(low, 'd', 5), child(leaf(directory('e')), 'e', 1)), 'BC_MANIFEST_MALFORMED', /level 1 where its parent claims 2/);
  await refuse(t, 'a level that does not fall', interior(1, child(low, 'd', 5), child(leaf(directory('e')), 'e', 1)), 'BC_MANIFEST_MALFORMED', /level 1 where its parent claims 0/);
  await refuse(t, 'the range of a grandparent', interior(2, child(interior(1, child(left, 'b', 3)), 'b', 3), child(interior(1, child(leaf(directory('a!')), 'a!', 1), child(right, 'd', 2)), 'd', 3)), 'BC_MANIFEST_MALFORMED', /before the range/);
});

void t.test('a node in the wrong place', async (t) => {
  await refuse(t, 'a list for a tree', list, 'BC_MANIFEST_MALFORMED', /chunk-list-leaf where a node of the tree belongs/);
  await refuse(t, 'a list for a leaf', interior(1, child(left, 'b', 3), child(list, 'd', 2)), 'BC_MANIFEST_MALFORMED', /where a node of the tree belongs/);
  await refuse(t, 'a leaf for a list', listed(left, 200), 'BC_MANIFEST_MALFORMED', /leaf where a chunk list belongs/, ['chunks', 'blocks']);
  await refuse(t, 'a root of one child', interior(1, child(left, 'b', 3)), 'BC_MANIFEST_MALFORMED', /root with one child/);
});

void t.test('deep chains end', async (t) => {
  let chain = left;
  for (let level = 1; level <= 16; level += 1) chain = interior(level, child(chain, 'b', 3), ...(level === 16 ? [child(right, 'd', 2)] : []));
  await refuse(t, '16 levels, then a leaf too early', chain, 'BC_MANIFEST_MALFORMED', /level 0 where its parent claims 15/);
  await refuse(t, 'level 17', interior(17, child(chain, 'b', 3), child(right, 'd', 2)), 'BC_MANIFEST_MALFORMED', /level is 17/);
});

void t.test('rules of the whole tree', async (t) => {
  const file = (name: string): unknown[] => [0, Buffer.from(name), 0, META, [0, []]];
  const walks = ['entries', 'chunks'] as const;
  const cases: readonly (readonly [string, Digest, ErrorCode, RegExp])[] = [
    ['no root directory', leaf(directory('a')), 'BC_MANIFEST_MALFORMED', /first entry is not the root directory/],
    ['a root that is a link', leaf([0, Buffer.alloc(0), 2, META, Buffer.from('/')]), 'BC_MANIFEST_MALFORMED', /not the root directory/],
    ['below nothing', leaf(ROOT, directory('a\0b')), 'BC_MANIFEST_UNSAFE', /a\/b stands in what is not a directory/],
    ['below a file', leaf(ROOT, file('a'), [1, Buffer.from('\0b'), 1, META, null]), 'BC_MANIFEST_UNSAFE', /a\/b stands in/],
    ['below a link', leaf(ROOT, [0, Buffer.from('a'), 2, META, Buffer.from('/etc')], [1, Buffer.from('\0passwd'), 0, META, [0, []]]), 'BC_MANIFEST_UNSAFE', /a\/passwd stands in/],
    ['below a hardlink', leaf(ROOT, file('a'), [0, Buffer.from('b'), 3, null, Buffer.from('a')], [1, Buffer.from('\0c'), 1, META, null]), 'BC_MANIFEST_UNSAFE', /b\/c stands in/],
    ['in a leaf of its own', interior(1, child(leaf(ROOT, file('a')), 'a', 2), [1, Buffer.from('\0b'), node(leaf(directory('a\0b'))), 1, 0]), 'BC_MANIFEST_UNSAFE', /a\/b stands in/],
    ['a name that begins like a directory', leaf(ROOT, directory('a'), [1, Buffer.from('!\0b'), 1, META, null]), 'BC_MANIFEST_UNSAFE', /a!\/b stands in/],
    ['a hardlink to nothing', leaf(ROOT, [0, Buffer.from('b'), 3, null, Buffer.from('a')]), 'BC_MANIFEST_UNSAFE', /hardlink b leads to a, which is no file/],
    ['a hardlink to a directory', leaf(ROOT, directory('a'), [0, Buffer.from('b'), 3, null, Buffer.from('a')]), 'BC_MANIFEST_UNSAFE', /leads to a/],
    ['a hardlink to a link', leaf(ROOT, [0, Buffer.from('a'), 2, META, Buffer.from('/etc/passwd')], [0, Buffer.from('b'), 3, null, Buffer.from('a')]), 'BC_MANIFEST_UNSAFE', /leads to a/],
    ['a hardlink to a hardlink', leaf(ROOT, file('a'), [0, Buffer.from('b'), 3, null, Buffer.from('a')], [0, Buffer.from('c'), 3, null, Buffer.from('b')]), 'BC_MANIFEST_UNSAFE', /leads to b/],
    ['a hardlink to itself', leaf(ROOT, [0, Buffer.from('b'), 3, null, Buffer.from('b')]), 'BC_MANIFEST_UNSAFE', /leads to b/],
    ['a hardlink to what comes later', leaf(ROOT, [0, Buffer.from('b'), 3, null, Buffer.from('c')], file('c')), 'BC_MANIFEST_UNSAFE', /leads to c/],
  ];
  for (const [what, root, code, message] of cases) await refuse(t, what, root, code, message, walks);
});

void t.test('a walk that begins below the root holds to the same rules', async (t) => {
  const bad = blocks.manifest(leaf(ROOT, [0, Buffer.from('a'), 2, META, Buffer.from('/etc')], [1, Buffer.from('\0b'), 1, META, null], [3, Buffer.from('\0c'), 1, META, null]));
  await t.rejects(drain(bad.entries(keyFromPath('a'))), { code: 'BC_MANIFEST_UNSAFE' });
  await t.rejects(drain(bad.entries(keyFromPath('a/b'))), { code: 'BC_MANIFEST_UNSAFE' });
  await t.rejects(drain(bad.entries(keyFromPath('a/b/c'))), { code: 'BC_MANIFEST_UNSAFE' });
  const gap = blocks.manifest(leaf(ROOT, directory('a'), [1, Buffer.from('\0b\0c'), 1, META, null]));
  await t.rejects(drain(gap.list(keyFromPath('a'))), { code: 'BC_MANIFEST_UNSAFE' });
});

void t.test('only a walk to the end of the whole tree tells that it keeps the rules', async (t) => {
  const bad = blocks.manifest(leaf(ROOT, directory('a'), [1, Buffer.from('\0b'), 1, META, null], [0, Buffer.from('c'), 3, null, Buffer.from('a')]));
  await t.resolves(drain(bad.entries(keyFromPath('a'))), 'a part of it does');
  for (let walk = 0; walk < 2; walk += 1) await t.rejects(drain(bad.leaves()), { code: 'BC_MANIFEST_UNSAFE' });
  const late = blocks.manifest(interior(1, child(leaf(ROOT, directory('a')), 'a', 2), [0, Buffer.from('b\0c'), node(leaf(directory('b\0c'))), 1, 0]));
  for await (const _ of late.leaves()) break;
  await t.rejects(drain(late.leaves()), { code: 'BC_MANIFEST_UNSAFE' });
});

void t.test('chunk lists that lie', async (t) => {
  const walks = ['chunks', 'blocks'] as const;
  const listInterior = (level: number, ...children: (readonly [Digest, number, number])[]): Digest => blocks.putNode([1, 4, level, children.map(([digest, bytes, count]) => [node(digest), bytes, count])]);
  await t.resolves(drain(blocks.manifest(listed(listInterior(1, [list, 200, 20], [list, 200, 20]), 400)).chunks()));
  await refuse(t, 'the size of the file', listed(list, 201), 'BC_MANIFEST_MALFORMED', /chunks of 200 bytes for a file that has 201/, walks);
  await refuse(t, 'holes count', listed(list, 200, { holes: [0, 10] }), 'BC_MANIFEST_MALFORMED', /200 bytes for a file that has 190/, walks);
  await refuse(t, 'too short for a list', listed(blocks.putNode([1, 3, LIST.slice(0, 16)]), 160), 'BC_MANIFEST_MALFORMED', /stand in the entry itself/, walks);
  await refuse(t, 'a list of one child', listed(listInterior(1, [list, 200, 20]), 200), 'BC_MANIFEST_MALFORMED', /root with one child/, walks);
  await refuse(t, 'bytes of a child', listed(listInterior(1, [list, 201, 20], [list, 200, 20]), 401), 'BC_MANIFEST_MALFORMED', /20 of 201/, walks);
  await refuse(t, 'bytes of a child that was seen', listed(listInterior(1, [list, 200, 20], [list, 201, 20]), 401), 'BC_MANIFEST_MALFORMED', /chunks of 200 bytes where 201 are claimed/, walks);
  await refuse(t, 'chunks of a child', listed(listInterior(1, [list, 200, 19], [list, 200, 20]), 400), 'BC_MANIFEST_MALFORMED', /20 chunks of 200 bytes where its parent claims 19/, walks);
  await refuse(t, 'the level', listed(listInterior(2, [list, 200, 20], [list, 200, 20]), 400), 'BC_MANIFEST_MALFORMED', /level 0 where its parent claims 1/, walks);
  const lengths = blocks.putNode([1, 3, [...LIST, [chunk('0'), 11]]]);
  await refuse(t, 'a chunk of two lengths', listed(lengths, 211), 'BC_MANIFEST_MALFORMED', /11 bytes here and 10 elsewhere/, ['chunks']);
  const manifest: Manifest = blocks.manifest(listed(listInterior(1, [list, 201, 20], [list, 200, 20]), 401));
  await t.rejects(drain(manifest.pieces((await manifest.lookup(keyFromPath('f'))) as FileEntry)), { code: 'BC_MANIFEST_MALFORMED' });
});

void t.test('a file that unfolds without end costs what its nodes cost', async (t) => {
  // 3000 times a node that has 3000 times the same list of 20 chunks: 180 million chunks in three nodes.
  let digest = list;
  let [bytes, count] = [200, 20];
  for (let level = 1; level <= 2; level += 1) {
    digest = blocks.putNode([1, 4, level, Array.from({ length: 3000 }, () => [node(digest), bytes, count])]);
    [bytes, count] = [bytes * 3000, count * 3000];
  }
  const root = listed(digest, bytes);
  blocks.readCount = 0;
  await drain(blocks.manifest(root).chunks());
  await drain(blocks.manifest(root).blocks());
  t.equal(blocks.readCount, 8);
  await refuse(t, 'more chunks than a file may have', listed(blocks.putNode([1, 4, 3, [[node(digest), bytes, count], [node(digest), bytes, count]]]), 2 * bytes), 'BC_MANIFEST_MALFORMED', /chunks, more than/, ['chunks', 'blocks']);
});
