import { chmodSync, chownSync, linkSync, mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { LISTED_PATHS_MAX } from '../../../src/base/limits/trees.ts';
import { setMtime } from '../../../src/image/posix.ts';
import { verifyTree } from '../../../src/image/verify-tree.ts';
import { capture, type MemoryLayer } from './layer-in-memory.ts';
import { DEFAULT_MTIME, directory, file, makeTree, noise } from './tree-spec.ts';

const TREE = directory({
  a1: file('one'),
  a2: file('two'),
  a3: file('three'),
  deep: directory({ er: directory({ x: file('x') }) }),
  hard: { type: 'hardlink', to: 'a1' },
  large: file(noise(20_000, 1)),
  link: { type: 'symlink', target: 'a1' },
  pipe: { type: 'fifo' },
});

/** What a change makes of the tree, but for directories' times, which every change of a name moves. */
async function found(dir: string, layer: MemoryLayer): Promise<string[]> {
  const { differences, differenceCount } = await verifyTree(dir, layer.manifest);
  t.equal(differenceCount, differences.length);
  return differences.filter(({ path, kind }) => !(kind === 'mtime' && ['.', 'deep', 'deep/er'].includes(path))).map(({ path, kind }) => `${kind} ${path}`);
}

const CHANGES: readonly (readonly [what: string, change: (dir: string) => void, expected: readonly string[]])[] = [
  ['nothing', () => undefined, []],
  ['a small file, its length and times kept', (dir) => rewrite(join(dir, 'a2'), 'TWO'), ['content a1']],
  ['a large file, its length and times kept', (dir) => rewrite(join(dir, 'large'), flipped(readFileSync(join(dir, 'large')))), ['content large']],
  ['a file grew', (dir) => rewrite(join(dir, 'a3'), 'three!'), ['size a3', 'content a1']],
  ['a file is missing', (dir) => rmSync(join(dir, 'a3')), ['missing a3', 'content a1']],
  ['a directory is missing', (dir) => rmSync(join(dir, 'deep'), { recursive: true }), ['missing deep', 'content a1']],
  ['too many', (dir) => mkdirSync(join(dir, 'extra', 'more'), { recursive: true }), ['extra extra']],
  ['a mode', (dir) => chmodSync(join(dir, 'large'), 0o4644), ['mode large']],
  ['a time by a nanosecond', (dir) => setMtime(Buffer.from(join(dir, 'large')), DEFAULT_MTIME[0], DEFAULT_MTIME[1] + 1), ['mtime large']],
  ['the time of a link', (dir) => setMtime(Buffer.from(join(dir, 'link')), 1, 1), ['mtime link']],
  ['another target', (dir) => relink(join(dir, 'link'), 'a2'), ['target link']],
  ['a file for a directory', (dir) => (rmSync(join(dir, 'deep'), { recursive: true }), writeFileSync(join(dir, 'deep'), '')), ['type deep', 'content a1']],
  ['a link to the same file for a file', (dir) => (renameSync(join(dir, 'large'), `${dir}-large`), symlinkSync(`${dir}-large`, join(dir, 'large'))), ['type large']],
  ['a link for a directory', (dir) => (renameSync(join(dir, 'deep'), `${dir}-deep`), symlinkSync(`${dir}-deep`, join(dir, 'deep'))), ['type deep', 'content a1']],
  ['a further name became a file', (dir) => (rmSync(join(dir, 'hard')), writeFileSync(join(dir, 'hard'), 'one')), ['hardlink hard']],
  ['two files became one', (dir) => (rmSync(join(dir, 'hard')), linkSync(join(dir, 'a2'), join(dir, 'hard'))), ['hardlink hard']],
  ['a fifo became a file', (dir) => (rmSync(join(dir, 'pipe')), writeFileSync(join(dir, 'pipe'), '')), ['type pipe']],
  ['an owner', (dir) => (process.getuid?.() === 0 ? chownSync(join(dir, 'large'), 12, 34) : chmodSync(join(dir, 'large'), 0o600)), [process.getuid?.() === 0 ? 'owner large' : 'mode large']],
];

function rewrite(path: string, content: string | Uint8Array): void {
  writeFileSync(path, content);
  setMtime(Buffer.from(path), ...DEFAULT_MTIME);
}

function relink(path: string, target: string): void {
  rmSync(path);
  symlinkSync(target, path);
  setMtime(Buffer.from(path), DEFAULT_MTIME[0], 0);
}

function flipped(bytes: Buffer): Buffer {
  bytes[15_000] = (bytes[15_000] ?? 0) ^ 1;
  return bytes;
}

for (const [what, change, expected] of CHANGES) {
  void t.test(what, async (t) => {
    const dir = join(t.testdir(), 'tree');
    makeTree(dir, TREE);
    const layer = await capture(dir);
    change(dir);
    t.same((await found(dir, layer)).sort(), [...expected].sort());
  });
}

void t.test('all differences are counted, some are listed', async (t) => {
  const dir = join(t.testdir(), 'tree');
  makeTree(dir, directory({}));
  const layer = await capture(dir);
  for (let at = 0; at < LISTED_PATHS_MAX + 10; at += 1) writeFileSync(join(dir, `f${at}`), '');
  const { differences, differenceCount } = await verifyTree(dir, layer.manifest);
  t.equal(differences.length, LISTED_PATHS_MAX);
  t.equal(differenceCount, LISTED_PATHS_MAX + 11, 'the time of the directory is one');
});

void t.test('figures, cancelling, and no directory', async (t) => {
  const dir = join(t.testdir(), 'tree');
  makeTree(dir, TREE);
  const layer = await capture(dir);
  const report = await verifyTree(dir, layer.manifest);
  t.equal(report.entryCount, layer.stats.entryCount);
  t.equal(report.checkedBytes, layer.stats.logicalBytes);
  await t.rejects(verifyTree(dir, layer.manifest, { signal: AbortSignal.abort() }), { code: 'BC_CANCELLED' });
  await t.rejects(verifyTree(join(dir, 'nowhere'), layer.manifest), { code: 'BC_TREE_UNREADABLE' });
});
