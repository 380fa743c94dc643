/** Small files whose bundle changed and whose bytes did not: they keep their inodes, and nothing is believed of them but their bytes. */
import { appendFileSync, chmodSync, closeSync, linkSync, lstatSync, openSync, readFileSync, readdirSync, readSync, renameSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { openTarget, type Staging, type Target } from '../../../src/image/target.ts';
import { verifyTree } from '../../../src/image/verify-tree.ts';
import { apply, capture, type MemoryLayer } from './layer-in-memory.ts';
import { scratchDirectory } from './scratch.ts';
import { directory, file, makeTree, noise, type DirectorySpec, type FileSpec, type Spec } from './tree-spec.ts';

const COUNT = 24;
const LENGTH_BYTES = 40;
/** It stands in a bundle with others. */
const EDITED = 'f10';

type Options = Pick<FileSpec, 'mode' | 'mtime'>;

const name = (at: number): string => `f${String(at).padStart(2, '0')}`;
const names = Array.from({ length: COUNT }, (_, at) => name(at));
const bytesOf = (at: number): Uint8Array => noise(LENGTH_BYTES, 100 + at);
const edited = noise(LENGTH_BYTES, 999);

function smallFiles(options: Options = {}): Record<string, Spec> {
  return Object.fromEntries(names.map((each, at) => [each, file(bytesOf(at), options)]));
}

interface Fixture {
  readonly base: string;
  readonly dir: string;
  readonly v1: MemoryLayer;
  readonly v2: MemoryLayer;
  readonly ino: (name: string) => number;
}

/** A target that holds v1, and a v2 in which one file has other bytes of the same length, both with what else they are given. */
async function fixture(t: Test, from: DirectorySpec['entries'] = {}, to: DirectorySpec['entries'] = {}): Promise<Fixture> {
  const base = scratchDirectory(t);
  makeTree(join(base, 'v1'), directory({ ...smallFiles(), ...from }));
  makeTree(join(base, 'v2'), directory({ ...smallFiles(), [EDITED]: file(edited), ...to }));
  const [v1, v2] = [await capture(join(base, 'v1')), await capture(join(base, 'v2'))];
  const dir = join(base, 'target');
  await apply(dir, v1);
  return { base, dir, v1, v2, ino: (each) => statSync(join(dir, each)).ino };
}

async function staged(target: Target, after: MemoryLayer, before: MemoryLayer): Promise<Staging> {
  const staging = await target.stage(after.manifest, before.manifest);
  if (staging === undefined) throw new Error('there is nothing to do');
  return staging;
}

async function writeWanted(staging: Staging, layer: MemoryLayer): Promise<void> {
  await staging.writeAll(staging.wanted().map(({ digest }) => ({ digest, bytes: layer.chunks.get(digest) ?? new Uint8Array() })));
}

/** Stages v2 as far as the switch, and stops there, as a process that is killed. */
async function stop({ dir, v1, v2 }: Fixture): Promise<void> {
  const target = await openTarget(dir);
  const staging = await staged(target, v2, v1);
  await staging.seed();
  await writeWanted(staging, v2);
  await target.close();
}

async function isLayer(t: Test, dir: string, layer: MemoryLayer): Promise<void> {
  t.same((await verifyTree(dir, layer.manifest)).differences, []);
}

function inStage({ base }: Fixture, each: string): string {
  const state = join(base, '.target.branchcast');
  const stage = readdirSync(state).find((found) => /^stage-\d+-[0-9a-f]+$/.test(found)) ?? '';
  return join(state, stage, each);
}

for (const [where, inodesDoneHere] of [
  ['here', Infinity],
  ['on threads', 0],
] as const) {
  void t.test(`neighbours of a changed file keep their inodes: ${where}`, async (t) => {
    const made = await fixture(t);
    const { dir, v1, v2, ino } = made;
    const entries: string[] = [];
    for await (const entry of v1.manifest.entries()) if (entry.type === 'file' && 'pieces' in entry.content) entries.push(entry.content.pieces[0]?.digest ?? '');
    t.ok(new Set(entries).size < COUNT / 2, 'several files share a bundle');
    const before = names.map(ino);
    const old = openSync(join(dir, EDITED), 'r');
    const target = await openTarget(dir, { inodesDoneHere });
    const staging = await staged(target, v2, v1);
    await staging.seed();
    t.ok(staging.wanted().length > 0);
    await writeWanted(staging, v2);
    for (const [at, each] of names.entries()) t.equal(statSync(inStage(made, each)).ino === before[at], each !== EDITED, each);
    t.equal(statSync(inStage(made, EDITED)).nlink, 1);
    await staging.switch({ layer: 'x@2', descriptor: v2.root });
    await target.close();
    await isLayer(t, dir, v2);
    t.same(names.filter((each, at) => ino(each) !== before[at]), [EDITED]);
    t.ok(names.every((each) => statSync(join(dir, each)).nlink === 2), 'and in the spare');
    const kept = Buffer.alloc(LENGTH_BYTES);
    readSync(old, kept, 0, LENGTH_BYTES, 0);
    closeSync(old);
    t.same(kept, Buffer.from(bytesOf(10)), 'nothing was written to the old file');
    t.equal((await apply(dir, v2, v2)).changed, false);
  });
}

void t.test('chunks that come again after an error', async (t) => {
  const made = await fixture(t);
  const { dir, v1, v2 } = made;
  const target = await openTarget(dir);
  const staging = await staged(target, v2, v1);
  await staging.seed();
  const wanted = staging.wanted();
  // As a full disk would: some of a chunk's files have been linked when one cannot be made.
  rmSync(inStage(made, EDITED));
  makeTree(inStage(made, EDITED), directory({}));
  await t.rejects(writeWanted(staging, v2), { code: 'EISDIR' });
  const linked = names.filter((each) => each !== EDITED && lstatSync(inStage(made, each), { throwIfNoEntry: false })?.nlink === 2);
  t.ok(linked.length > 0);
  t.same(staging.wanted(), wanted);
  rmSync(inStage(made, EDITED), { recursive: true });
  const before = linked.map((each) => lstatSync(join(dir, each), { bigint: true }).mtimeNs);
  await writeWanted(staging, v2);
  t.same(linked.map((each) => lstatSync(join(dir, each), { bigint: true }).mtimeNs), before, 'they are not written to');
  await staging.switch({ layer: 'x@2', descriptor: v2.root });
  await target.close();
  await isLayer(t, dir, v2);
});

const drifts: Record<string, (path: string, base: string) => void> = {
  'other bytes of the same length': (path) => writeFileSync(path, noise(LENGTH_BYTES, 7)),
  longer: (path) => appendFileSync(path, '!'),
  gone: (path) => rmSync(path),
  'a link': (path) => {
    rmSync(path);
    symlinkSync(name(8), path);
  },
  'a directory': (path) => {
    rmSync(path);
    makeTree(path, directory({}));
  },
  'a file from elsewhere with these bytes, which keeps its name there': (path, base) => {
    writeFileSync(join(base, 'outside'), bytesOf(9), { mode: 0o600 });
    rmSync(path);
    linkSync(join(base, 'outside'), path);
  },
  'another file with these bytes': (path, base) => {
    writeFileSync(join(base, 'aside'), bytesOf(9), { mode: 0o600 });
    renameSync(join(base, 'aside'), path);
  },
};

for (const [what, drift] of Object.entries(drifts)) {
  void t.test(`a neighbour that was changed in the target: ${what}`, async (t) => {
    const { base, dir, v1, v2 } = await fixture(t);
    drift(join(dir, name(9)), base);
    await apply(dir, v2, v1);
    await isLayer(t, dir, v2);
    t.same(readFileSync(join(dir, name(9))), Buffer.from(bytesOf(9)));
    if (!what.startsWith('a file from elsewhere')) return;
    t.not(lstatSync(join(base, 'outside')).ino, lstatSync(join(dir, name(9))).ino);
    t.equal(lstatSync(join(base, 'outside')).mode & 0o777, 0o600);
  });
}

void t.test('one chunk at a time, at once', async (t) => {
  const { dir, v1, v2, ino } = await fixture(t);
  const before = names.map(ino);
  const target = await openTarget(dir);
  const staging = await staged(target, v2, v1);
  for (const { digest } of staging.wanted()) staging.write(digest, v2.chunks.get(digest) ?? new Uint8Array());
  await staging.switch({ layer: 'x@2', descriptor: v2.root });
  await target.close();
  await isLayer(t, dir, v2);
  t.same(names.filter((each, at) => ino(each) !== before[at]), [EDITED]);
});

void t.test('other metadata waits for the switch', async (t) => {
  const mtime = [1_600_000_000, 5] as const;
  const made = await fixture(t, {}, { [name(9)]: file(bytesOf(9), { mode: 0o755, mtime }) });
  const { dir, v1, v2, ino } = made;
  const before = ino(name(9));
  const target = await openTarget(dir);
  const staging = await staged(target, v2, v1);
  await staging.seed();
  await writeWanted(staging, v2);
  t.equal(statSync(inStage(made, name(9))).ino, before);
  t.equal(statSync(join(dir, name(9))).mode & 0o777, 0o644, 'the old tree is as it was');
  await staging.switch({ layer: 'x@2', descriptor: v2.root });
  await target.close();
  t.equal(ino(name(9)), before);
  await isLayer(t, dir, v2);
});

void t.test('a file that changes between its link and the switch is not taken over', async (t) => {
  const { dir, v1, v2 } = await fixture(t);
  const target = await openTarget(dir);
  const staging = await staged(target, v2, v1);
  await staging.seed();
  await writeWanted(staging, v2);
  chmodSync(join(dir, name(9)), 0o600);
  writeFileSync(join(dir, name(9)), noise(LENGTH_BYTES, 8));
  await t.rejects(staging.switch({ layer: 'x@2', descriptor: v2.root }), { code: 'BC_TARGET_BUSY', message: /f09 was changed/ });
  await target.close();
  await apply(dir, v2, v1);
  await isLayer(t, dir, v2);
});

void t.test('a process that was killed costs nothing of what it linked', async (t) => {
  const made = await fixture(t);
  const { dir, v1, v2, ino } = made;
  const before = names.map(ino);
  await stop(made);
  t.equal(statSync(inStage(made, name(9))).nlink, 2);
  for (let times = 1; times <= 2; times += 1) {
    const target = await openTarget(dir);
    const staging = await staged(target, v2, v1);
    t.ok(staging.missingBytes() > 0, 'what the old tree has in its hands is not believed');
    t.ok((await staging.seed()) > 0);
    t.same(staging.wanted(), [], `but found: ${times}`);
    await target.close();
  }
  t.equal((await apply(dir, v2, v1)).fetchedBytes, 0);
  await isLayer(t, dir, v2);
  t.same(names.filter((each, at) => ino(each) !== before[at]), [EDITED]);
});

const meanwhile: Record<string, (dir: string) => void> = {
  'written to': (dir) => writeFileSync(join(dir, name(9)), noise(LENGTH_BYTES, 6)),
  'written to, and its name taken away': (dir) => {
    writeFileSync(join(dir, name(9)), noise(LENGTH_BYTES, 6));
    rmSync(join(dir, name(9)));
  },
  'written to, and all names taken away': (dir) => {
    writeFileSync(join(dir, name(9)), noise(LENGTH_BYTES, 6));
    for (const each of names) rmSync(join(dir, each));
  },
};

for (const [what, change] of Object.entries(meanwhile)) {
  void t.test(`a linked file of a killed process that was ${what}`, async (t) => {
    const made = await fixture(t);
    const { dir, v1, v2 } = made;
    await stop(made);
    change(dir);
    t.ok((await apply(dir, v2, v1)).fetchedBytes > 0);
    await isLayer(t, dir, v2);
  });
}

void t.test('a killed process, and then the version of before', async (t) => {
  const made = await fixture(t);
  const { dir, v1 } = made;
  await stop(made);
  await apply(dir, v1, v1);
  await isLayer(t, dir, v1);
});

void t.test('a file that was changed to what comes next is not believed to be what was', async (t) => {
  const made = await fixture(t);
  const { dir, v1 } = made;
  const next = join(dir, EDITED);
  writeFileSync(next, edited);
  const { ino } = statSync(next);
  await stop(made);
  t.equal(statSync(inStage(made, EDITED)).ino, ino, 'it holds what was compared');
  t.equal((await apply(dir, v1, v1)).changed, true);
  await isLayer(t, dir, v1);
});

void t.test('further names', async (t) => {
  const further: Spec = { type: 'hardlink', to: name(9) };
  const { dir, v1, v2, ino } = await fixture(t, { 'g-further': further }, { 'g-further': further, 'h-new': { type: 'hardlink', to: name(8) } });
  const before = [ino(name(9)), ino(name(8))];
  await apply(dir, v2, v1);
  await isLayer(t, dir, v2);
  t.same([ino(name(9)), ino(name(8))], before);
  t.same([ino('g-further'), ino('h-new')], before);
  await apply(dir, v1, v2);
  await isLayer(t, dir, v1);
  t.equal(statSync(join(dir, name(8))).nlink, 2, 'one of them in the spare');
});

void t.test('a process that was killed when further names had been made', async (t) => {
  const made = await fixture(t, {}, { 'h-new': { type: 'hardlink', to: name(8) } });
  const { dir, v1, v2 } = made;
  await stop(made);
  linkSync(inStage(made, name(8)), inStage(made, 'h-new'));
  t.equal((await apply(dir, v2, v1)).fetchedBytes, 0);
  await isLayer(t, dir, v2);
  t.equal(statSync(join(dir, name(8))).nlink, 4, 'two of them in the spare');
});

void t.test('an old file that has moved elsewhere is not linked a second time', async (t) => {
  // The same bundles in another directory, which comes first; under the old names one file differs, and with it the name of its whole bundle.
  const { dir, v1, v2, ino } = await fixture(t, { z: directory(smallFiles()) }, { a: directory(smallFiles()), z: directory({ ...smallFiles(), [name(12)]: file(edited) }) });
  const before = new Set(names.map((each) => ino(join('z', each))));
  await apply(dir, v2, v1);
  await isLayer(t, dir, v2);
  const shared = ['a', 'z'].flatMap((sub) => names.map((each) => lstatSync(join(dir, sub, each))));
  t.ok(shared.every(({ nlink }) => nlink === 2), 'and in the spare');
  t.ok(shared.filter(({ ino }) => before.has(ino)).length > COUNT / 2);
});

void t.test('repair without a cache: small files are compared where they are', async (t) => {
  const { base, dir, v1, ino } = await fixture(t);
  const before = names.map(ino);
  for (const cache of ['stat-cache', 'spare-cache']) rmSync(join(base, '.target.branchcast', cache));
  writeFileSync(join(dir, name(3)), noise(LENGTH_BYTES, 5));
  await apply(dir, v1, v1);
  await isLayer(t, dir, v1);
  t.same(names.filter((each, at) => ino(each) !== before[at]), [name(3)]);
});
