import t from 'tap';
import { hash } from '../../../src/chunking/hash.ts';
import type { ManifestChange } from '../../../src/manifest/change.ts';
import { diffManifests } from '../../../src/manifest/diff.ts';
import type { Entry, FileEntry } from '../../../src/manifest/entry.ts';
import { displayPath, keyFromPath } from '../../../src/manifest/key.ts';
import { metadataDiffers, withRenames, type NameContents } from '../../../src/manifest/renames.ts';
import { BlockMap } from '../../doubles/block-map.ts';

const COMMON = { mode: 0o644, uid: 0, gid: 0, mtimeSeconds: 0, mtimeNanos: 0 };
const dir = (path: string): Entry => ({ type: 'directory', key: keyFromPath(path), ...COMMON });
const link = (path: string, target: string): Entry => ({ type: 'symlink', key: keyFromPath(path), ...COMMON, target: Buffer.from(target) });
const hardlink = (path: string, target: string): Entry => ({ type: 'hardlink', key: keyFromPath(path), target: keyFromPath(target) });
/** A file whose content `name` stands for: a chunk of its own. */
const file = (path: string, name: string, changes: Partial<FileEntry> = {}): FileEntry => ({
  type: 'file', key: keyFromPath(path), ...COMMON, sizeBytes: 10, content: { pieces: [{ digest: hash(Buffer.from(name)), chunkBytes: 100, offsetBytes: 0, lengthBytes: 10 }] }, ...changes,
});
const empty = (path: string): FileEntry => file(path, '', { sizeBytes: 0, content: { pieces: [] } });

async function renames(before: readonly Entry[], after: readonly Entry[], nameContents: NameContents = async () => new Map()): Promise<string[]> {
  const blocks = new BlockMap();
  const [a, b] = [before, after].map((entries) => blocks.manifest(blocks.build([dir(''), ...entries]).root)) as [ReturnType<BlockMap['manifest']>, ReturnType<BlockMap['manifest']>];
  const found: string[] = [];
  for await (const change of withRenames(diffManifests(a, b), nameContents)) {
    if (change.kind === 'renamed') found.push(`${displayPath(change.before.key)} > ${displayPath(change.after.key)}${metadataDiffers(change) ? ' (metadata)' : ''}`);
    else found.push(`${change.kind} ${displayPath(((change.after ?? change.before) as Entry).key)}`);
  }
  return found;
}

void t.test('found by content', async (t) => {
  t.same(await renames([file('a', 'x')], [file('b', 'x')]), ['a > b']);
  t.same(await renames([file('a', 'x')], [file('b', 'y')]), ['removed a', 'added b']);
  t.same(await renames([file('a', 'x')], [file('a', 'x'), file('b', 'x')]), ['added b'], 'a copy is no rename');
  t.same(await renames([file('a', 'x')], [file('b', 'x', { mode: 0o755 })]), ['a > b (metadata)']);
  t.same(await renames([link('a', 'to')], [link('b', 'to')]), ['a > b'], 'a link by its target');
  t.same(await renames([file('a', 'x')], [link('b', 'x')]), ['removed a', 'added b']);
  t.same(await renames([empty('a')], [empty('b')]), ['removed a', 'added b'], 'nothing says that an empty file is the same');
  t.same(await renames([file('a', 'x', { sizeBytes: 20, holes: [{ offsetBytes: 0, lengthBytes: 10 }] })], [file('b', 'x', { sizeBytes: 20, holes: [{ offsetBytes: 10, lengthBytes: 10 }] })]), ['removed a', 'added b'], 'a hole elsewhere');
});

void t.test('of several with one content the names decide', async (t) => {
  t.same(await renames(
    [dir('a'), file('a/x', '1'), file('a/y', '1'), dir('b'), file('b/x', '1')],
    [dir('c'), dir('c/a'), file('c/a/x', '1'), file('c/x', '1'), file('c/y', '1')],
  ), ['removed b', 'added c', 'a > c/a', 'a/x > c/a/x', 'b/x > c/x', 'a/y > c/y'], 'the longest common end first');
  t.same(await renames(
    [dir('a'), file('a/1', 'x'), dir('b'), file('b/1', 'x')],
    [dir('a'), file('a/3', 'x'), dir('b'), file('b/2', 'x')],
  ), ['a/1 > a/3', 'b/1 > b/2'], 'another name in its own directory');
  t.same(await renames([file('a', 'x')], [file('b', 'x'), file('c', 'x')]), ['a > b', 'added c'], 'else the first');
  t.same(await renames([file('a', 'x'), file('b', 'x')], [file('c', 'x')]), ['removed b', 'a > c']);
});

void t.test('small files whose chunk changed are looked at by their bytes, if one has their size', async (t) => {
  const asked: string[] = [];
  const byBytes: NameContents = async (files) => {
    asked.push(...files.map(({ key }) => displayPath(key)));
    return new Map(files.map((file) => [file, displayPath(file.key).slice(-1)]));
  };
  const large = { sizeBytes: 11, content: { pieces: [{ digest: hash(Buffer.from('large')), chunkBytes: 100, offsetBytes: 0, lengthBytes: 11 }] } };
  t.same(await renames([file('a1', '1'), file('b2', '2'), file('large', '', large)], [file('c1', '3'), file('d3', '4')], byBytes), ['removed b2', 'a1 > c1', 'added d3', 'removed large']);
  t.same(asked, ['a1', 'b2', 'c1', 'd3']);
});

void t.test('only so many changes are held', async (t) => {
  const removed = (path: string, name: string): ManifestChange => ({ kind: 'removed', before: file(path, name), contentChanged: true });
  async function found(between: number): Promise<number> {
    async function* changes(): AsyncGenerator<ManifestChange> {
      yield removed('a', 'x');
      for (let index = 0; index < between; index += 1) yield removed(`b${index}`, 'y');
      yield { kind: 'added', after: file('c', 'x'), contentChanged: true };
    }
    let renamed = 0;
    for await (const { kind } of withRenames(changes(), async () => new Map(), 10)) renamed += Number(kind === 'renamed');
    return renamed;
  }
  t.equal(await found(8), 1);
  t.equal(await found(9), 0, 'what comes after a window is not paired with what was in it');
});

void t.test('a directory goes where what is in it went', async (t) => {
  const tree = (top: string): Entry[] => [
    dir(top), dir(`${top}/deep`), dir(`${top}/deep/none`), file(`${top}/deep/x`, 'x'), empty(`${top}/empty`), file(`${top}/first`, 'f'), hardlink(`${top}/second`, `${top}/first`),
    link(`${top}/to`, 'x'), { type: 'fifo', key: keyFromPath(`${top}/zfifo`), ...COMMON }, { type: 'char-device', key: keyFromPath(`${top}/zone`), ...COMMON, major: 1, minor: 3 },
  ];
  t.same(await renames(tree('a'), tree('b')), tree('a').map(({ key }) => `${displayPath(key)} > ${displayPath(key).replace('a', 'b')}`));
  t.same(await renames(
    [dir('a'), file('a/1', '1'), file('a/2', '2'), file('a/3', '3')],
    [dir('b'), file('b/1', '1'), dir('c'), file('c/2', '2'), file('c/3', '3')],
  ), ['added b', 'a/1 > b/1', 'a > c', 'a/2 > c/2', 'a/3 > c/3'], 'most of it');
  t.same(await renames(
    [dir('a'), file('a/1', '1')],
    [dir('b'), file('b/1', '1'), file('b/2', '2'), file('b/3', '3')],
  ), ['removed a', 'added b', 'a/1 > b/1', 'added b/2', 'added b/3'], 'not into a directory of mostly other things');
  t.same(await renames(
    [dir('a'), file('a/1', '1'), { type: 'char-device', key: keyFromPath('a/c'), ...COMMON, major: 1, minor: 3 }],
    [dir('b'), file('b/1', '1'), { type: 'char-device', key: keyFromPath('b/c'), ...COMMON, major: 1, minor: 5 }],
  ), ['removed a/c', 'a > b', 'a/1 > b/1', 'added b/c'], 'another device does not follow');
});
