/**
 * Manifests that try to leave their target. The reader of manifests refuses them; here nobody has read them: whoever writes to the disk is
 * safe on its own. Nothing outside may change, and the target stays as it was.
 */
import { existsSync, linkSync, lstatSync, mkdirSync, readdirSync, readFileSync, readlinkSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import type { ErrorCode } from '../../../src/base/errors.ts';
import { hash } from '../../../src/chunking/hash.ts';
import { openTarget } from '../../../src/image/target.ts';
import type { DirectoryEntry, Entry, FileEntry, Piece } from '../../../src/manifest/entry.ts';
import type { Manifest } from '../../../src/manifest/read.ts';
import { apply, capture } from './layer-in-memory.ts';
import { scratchDirectory } from './scratch.ts';
import { directory, file, makeTree } from './tree-spec.ts';

const METADATA = { mode: 0o644, uid: 0, gid: 0, mtimeSeconds: 0, mtimeNanos: 0 };
const EVIL = Buffer.from('evil bytes');
const PIECE: Piece = { digest: hash(EVIL), chunkBytes: EVIL.byteLength, offsetBytes: 0, lengthBytes: EVIL.byteLength };

const key = (...names: string[]): Buffer => Buffer.from(names.join('\0'), 'latin1');
const dir = (...names: string[]): DirectoryEntry => ({ type: 'directory', key: key(...names), ...METADATA, mode: 0o755 });
const evil = (...names: string[]): FileEntry => ({ type: 'file', key: key(...names), ...METADATA, sizeBytes: EVIL.byteLength, content: { pieces: [PIECE] } });
const link = (target: string, ...names: string[]): Entry => ({ type: 'symlink', key: key(...names), ...METADATA, target: Buffer.from(target) });
const hard = (target: Buffer, ...names: string[]): Entry => ({ type: 'hardlink', key: key(...names), target });
const ROOT = dir();

const ATTACKS: readonly (readonly [what: string, code: ErrorCode, entries: readonly Entry[]])[] = [
  ['a name ".."', 'BC_MANIFEST_UNSAFE', [ROOT, evil('..')]],
  ['a file below ".."', 'BC_MANIFEST_UNSAFE', [ROOT, dir('..'), evil('..', 'outside')]],
  ['a name "."', 'BC_MANIFEST_UNSAFE', [ROOT, evil('.')]],
  ['an absolute name', 'BC_MANIFEST_UNSAFE', [ROOT, evil('/tmp/branchcast-was-here')]],
  ['a name with a slash', 'BC_MANIFEST_UNSAFE', [ROOT, evil('a/../../outside/evil')]],
  ['an empty name', 'BC_MANIFEST_UNSAFE', [ROOT, evil('', 'a')]],
  ['a name with a NUL, which is a file in no directory', 'BC_MANIFEST_UNSAFE', [ROOT, evil('a\0b')]],
  ['a link out, then a file below it', 'BC_MANIFEST_UNSAFE', [ROOT, link('../outside', 'd'), evil('d', 'evil')]],
  ['a link out, then a directory of the same name', 'BC_MANIFEST_MALFORMED', [ROOT, link('../outside', 'd'), dir('d'), evil('d', 'evil')]],
  ['a directory, then a link of the same name', 'BC_MANIFEST_MALFORMED', [ROOT, dir('d'), link('../outside', 'd')]],
  ['a file twice', 'BC_MANIFEST_MALFORMED', [ROOT, evil('f'), evil('f')]],
  ['a file in a file', 'BC_MANIFEST_UNSAFE', [ROOT, evil('f'), evil('f', 'g')]],
  ['descending names', 'BC_MANIFEST_MALFORMED', [ROOT, evil('b'), evil('a')]],
  ['a name of 300 bytes', 'BC_MANIFEST_MALFORMED', [ROOT, evil('n'.repeat(300))]],
  ['a path of 5000 bytes', 'BC_MANIFEST_MALFORMED', [ROOT, evil(...Array.from({ length: 25 }, () => 'n'.repeat(200)))]],
  ['no root directory', 'BC_MANIFEST_MALFORMED', [evil('a')]],
  ['a root that is a link', 'BC_MANIFEST_MALFORMED', [link('../outside')]],
  ['a hard link out', 'BC_MANIFEST_UNSAFE', [ROOT, evil('a'), hard(key('..', 'outside', 'secret'), 'h')]],
  ['a hard link by an absolute name', 'BC_MANIFEST_UNSAFE', [ROOT, evil('a'), hard(Buffer.from('/etc/hostname'), 'h')]],
  ['a hard link through a link', 'BC_MANIFEST_UNSAFE', [ROOT, link('../../outside', 'd'), hard(key('d', 'secret'), 'h')]],
  ['a hard link to a link', 'BC_MANIFEST_UNSAFE', [ROOT, link('../../outside/secret', 'd'), hard(key('d'), 'h')]],
  ['a hard link to a directory', 'BC_MANIFEST_UNSAFE', [ROOT, dir('d'), hard(key('d'), 'h')]],
  ['a hard link to the root', 'BC_MANIFEST_UNSAFE', [ROOT, hard(key(), 'h')]],
  ['a hard link to itself', 'BC_MANIFEST_UNSAFE', [ROOT, hard(key('h'), 'h')]],
  ['a hard link to what comes later', 'BC_MANIFEST_UNSAFE', [ROOT, hard(key('z'), 'h'), evil('z')]],
];

function manifestOf(entries: readonly Entry[]): Manifest {
  const manifest = {
    root: hash(Buffer.from(String(Math.random()))),
    async *filesOf() {
      yield* entries.filter(({ type }) => type === 'file');
    },
    async *runs() {
      yield entries;
    },
    async *leaves() {
      const leaf = { entryAt: (at: number) => entries[at], typeAt: (at: number) => entries[at]?.type, keys: { at: (at: number) => entries[at]?.key } };
      yield { digest: manifest.root, leaf, from: 0, to: entries.length };
    },
    async *pieces() {
      yield PIECE;
    },
  };
  return manifest as unknown as Manifest;
}

async function attack(target: string, manifest: Manifest): Promise<void> {
  const opened = await openTarget(target);
  try {
    const staging = await opened.stage(manifest, undefined);
    await staging?.seed();
    for (const { digest } of staging?.wanted() ?? []) staging?.write(digest, EVIL);
    await staging?.switch({ layer: 'evil@1', descriptor: manifest.root });
  } finally {
    await opened.close();
  }
}

/** Everything below, but for the state directory. */
function snapshot(path: string): unknown {
  const stat = lstatSync(path);
  // Whoever does not know what the target holds does without the spare.
  const isInSpare = existsSync(path.replace('/target/', '/.target.branchcast/spare/'));
  const own = { mode: stat.mode, ino: stat.ino, nlink: stat.isFile() ? stat.nlink - Number(path.includes('/target/') && isInSpare) : undefined, mtimeMs: stat.isFile() ? stat.mtimeMs : undefined };
  if (stat.isSymbolicLink()) return { ...own, target: readlinkSync(path) };
  if (stat.isFile()) return { ...own, content: readFileSync(path, 'latin1') };
  const names = readdirSync(path).filter((name) => name !== '.target.branchcast');
  return { ...own, entries: Object.fromEntries(names.map((name) => [name, snapshot(join(path, name))])) };
}

for (const [what, code, entries] of ATTACKS) {
  void t.test(what, async (t) => {
    const base = scratchDirectory(t);
    makeTree(join(base, 'outside'), directory({ secret: file('secret') }));
    makeTree(join(base, 'v1'), directory({ good: file('good') }));
    await apply(join(base, 'target'), await capture(join(base, 'v1')));
    const before = snapshot(base);
    await t.rejects(attack(join(base, 'target'), manifestOf(entries)), { code });
    t.same(snapshot(base), before);
  });
}

void t.test('a target full of traps does not lead the next layer out', async (t) => {
  const base = scratchDirectory(t);
  makeTree(join(base, 'outside'), directory({ file: file('precious', { mode: 0o600 }), sub: directory({ file: file('precious') }) }));
  const spec = directory({ file: file('precious'), sub: directory({ file: file('precious') }), target: file('x') });
  makeTree(join(base, 'v1'), spec);
  const layer = await capture(join(base, 'v1'));
  const target = join(base, 'target');
  const opened = await openTarget(target);
  await opened.close();
  mkdirSync(target);
  // Names of the layer, which lead elsewhere.
  symlinkSync('../outside/file', join(target, 'file'));
  symlinkSync('../outside/sub', join(target, 'sub'));
  linkSync(join(base, 'outside', 'file'), join(target, 'target'));
  const before = snapshot(join(base, 'outside'));
  await apply(target, layer, layer, { adopt: true });
  const after = snapshot(join(base, 'outside')) as { entries: { file: { nlink: number } } };
  t.equal(after.entries.file.nlink, 1, 'the hard link left with the old tree');
  after.entries.file.nlink = 2;
  t.same(after, before);
  t.equal((await capture(target)).root, layer.root);
});

void t.test('lengths that do not fit are refused', async (t) => {
  const base = scratchDirectory(t);
  const long: Entry = { ...evil('a'), content: { pieces: [{ ...PIECE, chunkBytes: EVIL.byteLength + 1 }] } };
  await t.rejects(attack(join(base, 'target'), manifestOf([ROOT, long])), { code: 'BC_MANIFEST_MALFORMED' });
});

void t.test('what this machine cannot make is refused before anything is staged', async (t) => {
  const base = scratchDirectory(t);
  const deep = Array.from({ length: 20 }, () => 'n'.repeat(200));
  const entries: Entry[] = [ROOT, ...deep.map((_, at) => dir(...deep.slice(0, at + 1)))];
  await t.rejects(attack(join(base, 'target'), manifestOf(entries)), { code: 'BC_PLATFORM', message: /its path would have \d+ bytes/ });
  t.same(readdirSync(join(base, '.target.branchcast')), ['lock']);
});

void t.test('a chunk under a false name is not seeded', async (t) => {
  const base = scratchDirectory(t);
  const target = join(base, 'target');
  const opened = await openTarget(target);
  await opened.close();
  mkdirSync(target);
  writeFileSync(join(target, 'f'), 'EVIL BYTES');
  const adopted = await openTarget(target, { adopt: true });
  const manifest = manifestOf([ROOT, evil('f')]);
  const staging = await adopted.stage(manifest, manifest);
  t.equal(await staging?.seed(), 0);
  t.same(staging?.wanted(), [{ digest: PIECE.digest, chunkBytes: EVIL.byteLength }]);
  await adopted.close();
});
