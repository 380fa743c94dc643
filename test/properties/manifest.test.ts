/** What holds for every tree. */
import { decode, encode } from '@ipld/dag-cbor';
import fc from 'fast-check';
import t from 'tap';
import type { Digest } from '../../src/chunking/digest.ts';
import { hash } from '../../src/chunking/hash.ts';
import { diffManifests } from '../../src/manifest/diff.ts';
import type { Entry, PathKey } from '../../src/manifest/entry.ts';
import { compareKeys, displayPath, keyFromPath, keyProblem, pathOfKey } from '../../src/manifest/key.ts';
import { missingBlocks } from '../../src/manifest/missing-blocks.ts';
import { nodeLinks } from '../../src/manifest/node.ts';
import type { Manifest } from '../../src/manifest/read.ts';
import { withRenames } from '../../src/manifest/renames.ts';
import { BlockMap } from '../doubles/block-map.ts';
import { seededEdits, seededMoves, seededNumbers, seededTree, sorted, type Tree } from '../doubles/seeded-tree.ts';

const RUNS = { seed: 20_261_121, numRuns: 40 };
const seeds = fc.integer({ min: 1, max: 2 ** 31 });
const sizes = fc.oneof(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 200, max: 900 }));

async function entriesOf(manifest: Manifest): Promise<Map<string, Entry>> {
  const entries = new Map<string, Entry>();
  for await (const entry of manifest.entries()) entries.set(displayPath(entry.key), entry);
  return entries;
}

function shuffled<T>(items: Iterable<T>, seed: number): T[] {
  const next = seededNumbers(seed);
  return [...items].map((item) => ({ item, at: next(2 ** 31) })).sort((a, b) => a.at - b.at).map(({ item }) => item);
}

void t.test('any walk order gives the same root, and the entries come back', async () => {
  await fc.assert(fc.asyncProperty(seeds, sizes, async (seed, size) => {
    const tree = seededTree(seed, size);
    const blocks = new BlockMap();
    const built = blocks.build(shuffled(tree.values(), seed));
    if (built.root !== blocks.build(shuffled(tree.values(), seed + 1)).root) throw new Error('another root');
    const found = [...(await entriesOf(blocks.manifest(built.root))).values()];
    const expected = sorted(tree);
    if (found.length !== expected.length || built.entryCount !== expected.length) throw new Error('other entries');
    for (const [index, entry] of found.entries()) if (!sameEntry(entry, expected[index] as Entry)) throw new Error(`${displayPath(entry.key)} differs`);
  }), RUNS);
});

void t.test('what is written is canonical DAG-CBOR', (t) => {
  fc.assert(fc.property(seeds, sizes, (seed, size) => {
    const blocks = new BlockMap();
    blocks.build(seededTree(seed, size).values());
    for (const bytes of blocks.blocks.values()) if (!Buffer.from(encode(decode(bytes))).equals(bytes)) throw new Error('@ipld/dag-cbor encodes it otherwise');
  }), RUNS);
  t.end();
});

void t.test('diff(a, b) applied to a gives b', async () => {
  const trees = fc.tuple(seeds, sizes, seeds, fc.integer({ min: 0, max: 60 })).map(([seed, size, editSeed, editCount]): [Tree, Tree] => {
    const tree = seededTree(seed, size);
    return [tree, editCount === 60 ? seededTree(editSeed, size) : seededEdits(tree, editSeed, editCount)];
  });
  await fc.assert(fc.asyncProperty(trees, async ([a, b]) => {
    const blocks = new BlockMap();
    const [before, after] = [blocks.manifest(blocks.build(a.values()).root), blocks.manifest(blocks.build(b.values()).root)];
    const applied = await entriesOf(before);
    const wanted = await entriesOf(after);
    let last: PathKey | undefined;
    for await (const change of diffManifests(before, after)) {
      const { key } = (change.after ?? change.before) as Entry;
      const path = displayPath(key);
      if (last !== undefined && compareKeys(last, key) >= 0) throw new Error('changes are out of order');
      last = key;
      if ((change.before !== undefined) !== applied.has(path)) throw new Error(`${path}: before is not what was there`);
      if (change.kind !== (change.before === undefined ? 'added' : change.after === undefined ? 'removed' : 'changed')) throw new Error(change.kind);
      if (change.before !== undefined && change.after !== undefined && sameEntry(change.before, change.after)) throw new Error(`${path} did not change`);
      if (change.after === undefined) applied.delete(path);
      else applied.set(path, change.after);
    }
    const result = [...applied.values()].sort((x, y) => compareKeys(x.key, y.key));
    const expected = [...wanted.values()];
    if (result.length !== expected.length || !result.every((entry, index) => encoded(entry) === encoded(expected[index] as Entry))) throw new Error('not b');
  }), RUNS);
});

void t.test('diff(a, b) with renames applied to a gives b', async (t) => {
  let renames = 0;
  await fc.assert(fc.asyncProperty(seeds, sizes, seeds, fc.integer({ min: 0, max: 60 }), async (seed, size, editSeed, editCount) => {
    const a = seededTree(seed, size);
    const b = seededEdits(seededMoves(a, editSeed, 6), editSeed, editCount);
    const blocks = new BlockMap();
    const [before, after] = [blocks.manifest(blocks.build(a.values()).root), blocks.manifest(blocks.build(b.values()).root)];
    const applied = await entriesOf(before);
    const wanted = await entriesOf(after);
    const added = new Map<string, Entry>();
    let last: PathKey | undefined;
    // Every other small file is named by its bytes, which here its pieces stand for.
    for await (const change of withRenames(diffManifests(before, after), async (files) => new Map(files.filter((_, index) => index % 2 === 0).map((file) => [file, JSON.stringify(file.content)])))) {
      const { key } = (change.after ?? change.before) as Entry;
      if (last !== undefined && compareKeys(last, key) >= 0) throw new Error('changes are out of order');
      last = key;
      if (change.before !== undefined && !applied.delete(displayPath(change.before.key))) throw new Error(`${displayPath(key)}: before is not there, or was taken twice`);
      if (change.after !== undefined) added.set(displayPath(key), change.after);
      if (change.kind !== 'renamed') continue;
      renames += 1;
      if (change.before.type !== change.after.type || !sameHeld(change.before, change.after)) throw new Error(`${displayPath(key)} does not hold what ${displayPath(change.before.key)} held`);
    }
    for (const [path, entry] of added) {
      if (applied.has(path)) throw new Error(`${path} is there already`);
      applied.set(path, entry);
    }
    const result = [...applied.values()].sort((x, y) => compareKeys(x.key, y.key));
    const expected = [...wanted.values()];
    if (result.length !== expected.length || !result.every((entry, index) => encoded(entry) === encoded(expected[index] as Entry))) throw new Error('not b');
  }), RUNS);
  t.ok(renames > 100, `${renames} renames`);
});

void t.test('missing blocks complete what a have holds, parents first, and name no node of its tree', async () => {
  await fc.assert(fc.asyncProperty(seeds, sizes, seeds, fc.integer({ min: 0, max: 40 }), async (seed, size, editSeed, editCount) => {
    const tree = seededTree(seed, size);
    const have = new BlockMap();
    const wanted = new BlockMap();
    const old = have.build(tree.values());
    const now = wanted.build(seededEdits(tree, editSeed, editCount).values());
    const treeNodes = new Set<Digest>([...have.blocks].filter(([, bytes]) => (decode<unknown[]>(bytes)[1] as number) <= 2).map(([digest]) => digest));
    const named = new Set([now.root]);
    for await (const block of missingBlocks(wanted.manifest(now.root), [have.manifest(old.root)])) {
      if (treeNodes.has(block.digest)) throw new Error('a node that is there');
      if (!named.has(block.digest)) throw new Error('a child before its parent');
      for (const link of nodeLinks(block.digest, block.bytes)) named.add(link);
      have.put(block);
    }
    if ((await entriesOf(have.manifest(now.root))).size !== now.entryCount) throw new Error('not complete');
    for await (const _ of have.manifest(now.root).chunks());
  }), RUNS);
});

void t.test('a prefix and a lookup give what the whole walk gives', async () => {
  await fc.assert(fc.asyncProperty(seeds, fc.integer({ min: 1, max: 400 }), async (seed, size) => {
    const blocks = new BlockMap();
    const manifest = blocks.manifest(blocks.build(seededTree(seed, size).values()).root);
    const all = [...(await entriesOf(manifest)).values()];
    for (const entry of shuffled(all, seed).slice(0, 20)) {
      const found = await manifest.lookup(entry.key);
      if (found === undefined || encoded(found) !== encoded(entry)) throw new Error(`lookup of ${displayPath(entry.key)}`);
      let [below, inside] = [0, 0];
      for await (const _ of manifest.entries(entry.key)) below += 1;
      for await (const _ of manifest.list(entry.key)) inside += 1;
      const prefix = `${displayPath(entry.key)}/`;
      const under = all.filter((other) => entry.key.length === 0 ? other !== entry && other.key.length > 0 : displayPath(other.key).startsWith(prefix));
      if (below !== under.length + 1) throw new Error(`${below} entries at ${prefix}`);
      if (inside !== under.filter((other) => !displayPath(other.key).slice(entry.key.length === 0 ? 0 : prefix.length).includes('/')).length) throw new Error(`${inside} entries in ${prefix}`);
    }
  }), { ...RUNS, numRuns: 25 });
});

void t.test('paths and keys', (t) => {
  const name = fc.uint8Array({ minLength: 1, maxLength: 12 }).filter((bytes) => !bytes.includes(0) && !bytes.includes(0x2f) && !['.', '..'].includes(Buffer.from(bytes).toString('latin1')));
  const path = fc.array(name, { minLength: 0, maxLength: 5 }).map((names) => Buffer.from(names.map((bytes) => Buffer.from(bytes).toString('latin1')).join('/'), 'latin1'));
  fc.assert(fc.property(path, path, (a, b) => {
    const [keyA, keyB] = [keyFromPath(a), keyFromPath(b)];
    if (!pathOfKey(keyA).equals(a) || keyProblem(keyA) !== undefined) throw new Error('not there and back');
    const names = (bytes: Buffer): Buffer[] => (bytes.length === 0 ? [] : bytes.toString('latin1').split('/').map((text) => Buffer.from(text, 'latin1')));
    if (Math.sign(compareKeys(keyA, keyB)) !== compareNames(names(a), names(b))) throw new Error('not component order');
    if (/[\p{Cc}\p{Bidi_Control}]/u.test(displayPath(keyA))) throw new Error('a control character is shown');
  }), { ...RUNS, numRuns: 500 });
  t.end();
});

function compareNames(a: readonly Buffer[], b: readonly Buffer[]): number {
  for (const [index, name] of a.entries()) {
    const other = b[index];
    if (other === undefined) return 1;
    const order = Buffer.compare(name, other);
    if (order !== 0) return order;
  }
  return a.length < b.length ? -1 : 0;
}

/** Equal but for a chunk list in the place of many pieces. */
function sameEntry(found: Entry, expected: Entry): boolean {
  if (found.type !== 'file' || expected.type !== 'file' || 'pieces' in found.content === 'pieces' in expected.content && !('list' in found.content)) return encoded(found) === encoded(expected);
  if ('list' in expected.content) return encoded(found) === encoded(expected);
  return 'list' in found.content && expected.content.pieces.length > 16 && encoded({ ...found, content: { pieces: [] } }) === encoded({ ...expected, content: { pieces: [] } });
}

/** The same but for name and metadata. */
function sameHeld(a: Entry, b: Entry): boolean {
  const bare = { key: Buffer.alloc(0), mode: 0, uid: 0, gid: 0, mtimeSeconds: 0, mtimeNanos: 0 };
  const held = (entry: Exclude<Entry, { type: 'hardlink' }>): Entry => ({ ...entry, ...bare, xattrs: [] });
  return a.type !== 'hardlink' && b.type !== 'hardlink' && encoded(held(a)) === encoded(held(b));
}

function encoded(entry: Entry): Digest {
  return hash(encode(entry));
}
