/** From the moment at which a new version is in force until nothing is left of the old one. */
import { appendFileSync, chmodSync, lstatSync, mkdirSync, readdirSync, readFileSync, renameSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { openTarget, type Staging, type Target } from '../../../src/image/target.ts';
import { verifyTree } from '../../../src/image/verify-tree.ts';
import { apply, capture, type MemoryLayer } from './layer-in-memory.ts';
import { scratchDirectory } from './scratch.ts';
import { directory, file, makeTree, noise } from './tree-spec.ts';
import { makeUnremovable } from './unremovable.ts';

const STAYS = { kept: file('as it was'), large: file(noise(20_000, 1)), sub: directory({ deep: file('deep') }), twin: { type: 'hardlink', to: 'kept' } } as const;
const V1 = directory({ ...STAYS, changed: file('first') });
const V2 = directory({ ...STAYS, changed: file('second'), added: file(noise(3000, 2)) });
const AT_REST = ['lock', 'owner.json', 'spare', 'spare-cache', 'stat-cache'];

interface Fixture {
  readonly base: string;
  readonly dir: string;
  readonly stateDir: string;
  readonly v1: MemoryLayer;
  readonly v2: MemoryLayer;
}

/** A target that holds v1. */
async function fixture(t: Test): Promise<Fixture> {
  const base = scratchDirectory(t);
  makeTree(join(base, 'v1'), V1);
  makeTree(join(base, 'v2'), V2);
  const [v1, v2] = [await capture(join(base, 'v1')), await capture(join(base, 'v2'))];
  const dir = join(base, 'target');
  await apply(dir, v1);
  return { base, dir, stateDir: join(base, '.target.branchcast'), v1, v2 };
}

/** Brings v2 into force, and no further. */
async function switchIn(target: Target, { v1, v2 }: Fixture): Promise<void> {
  const staging = (await target.stage(v2.manifest, v1.manifest)) as Staging;
  for (const { digest } of staging.wanted()) staging.write(digest, v2.chunks.get(digest) as Uint8Array);
  await staging.switch({ layer: 'x@2', descriptor: v2.root });
}

async function isLayer(t: Test, dir: string, layer: MemoryLayer): Promise<void> {
  t.same((await verifyTree(dir, layer.manifest)).differences, []);
}

void t.test('it is in force, then the old one goes', async (t) => {
  const made = await fixture(t);
  const { dir, stateDir, v2 } = made;
  const target = await openTarget(dir);
  await switchIn(target, made);
  t.match(target.current(), { layer: 'x@2', root: v2.root });
  t.match(JSON.parse(readFileSync(join(stateDir, 'owner.json'), 'utf8')), { layer: 'x@2', root: v2.root });
  t.ok(readdirSync(stateDir).includes('journal.json'), 'somebody else would go on with it');
  t.notOk(readdirSync(stateDir).some((name) => name.endsWith('.log')), 'and not take what is left of the old tree for a stage');
  await isLayer(t, dir, v2);
  await target.cleanedUp();
  t.same(readdirSync(stateDir).sort(), AT_REST);
  await target.close();
  t.equal((await apply(dir, v2, v2)).changed, false);
});

void t.test('the next stage waits until the old one is gone', async (t) => {
  const made = await fixture(t);
  const { dir, stateDir, v1, v2 } = made;
  const target = await openTarget(dir);
  await switchIn(target, made);
  t.equal(await target.stage(v2.manifest, v2.manifest), undefined, 'and knows then that nothing is to be done');
  t.same(readdirSync(stateDir).sort(), AT_REST);
  await target.close();
  t.equal((await apply(dir, v1, v2)).changed, true);
});

void t.test('so does whoever lets go of it', async (t) => {
  const made = await fixture(t);
  const target = await openTarget(made.dir);
  await switchIn(target, made);
  await target.close();
  t.same(readdirSync(made.stateDir).sort(), AT_REST);
});

void t.test('an old one that cannot be removed is left to the next open, and all who wait hear of it', async (t) => {
  const made = await fixture(t);
  const { dir, stateDir, v2 } = made;
  const makeRemovable = makeUnremovable(join(stateDir, 'old'));
  const target = await openTarget(dir);
  await switchIn(target, made);
  await isLayer(t, dir, v2);
  const why = { code: 'ENAMETOOLONG' };
  await t.rejects(target.cleanedUp(), why);
  await t.rejects(target.stage(v2.manifest, v2.manifest), why);
  await t.rejects(target.close(), why);
  await t.rejects(openTarget(dir), why, 'the directory is let go of, and still cannot be removed');
  await isLayer(t, dir, v2);
  makeRemovable();
  const next = await openTarget(dir);
  t.match(next.current(), { layer: 'x@2', root: v2.root });
  t.same(readdirSync(stateDir).sort(), AT_REST);
  await next.close();
  await apply(dir, v2, v2);
  await isLayer(t, dir, v2);
});

/** `kept` and `large` are the old tree's files, `changed` and `added` are new. */
const works: Record<string, (dir: string) => void> = {
  'a kept file gets other bytes': (dir) => writeFileSync(join(dir, 'kept'), 'as it is!'),
  'a kept file grows': (dir) => appendFileSync(join(dir, 'large'), '!'),
  'a kept file grows, its times set back': (dir) => {
    const { atime, mtime } = lstatSync(join(dir, 'large'));
    appendFileSync(join(dir, 'large'), '!');
    utimesSync(join(dir, 'large'), atime, mtime);
  },
  'a kept file gets another mode': (dir) => chmodSync(join(dir, 'large'), 0o600),
  'a new file gets other bytes, its times set back': (dir) => {
    const { atime, mtime } = lstatSync(join(dir, 'changed'));
    writeFileSync(join(dir, 'changed'), 'SECOND');
    utimesSync(join(dir, 'changed'), atime, mtime);
  },
  'a file is added': (dir) => writeFileSync(join(dir, 'sub', 'more'), ''),
  'an older file takes the place of one': (dir) => renameSync(join(dir, 'changed'), join(dir, 'sub', 'deep')),
  'the mode of a directory': (dir) => chmodSync(join(dir, 'sub'), 0o700),
  'the mode of the directory itself': (dir) => chmodSync(dir, 0o700),
  'a directory is added': (dir) => mkdirSync(join(dir, 'more')),
};

for (const [what, work] of Object.entries(works)) {
  void t.test(`who works in the new tree while the old one goes is noticed: ${what}`, async (t) => {
    const made = await fixture(t);
    const { dir, v2 } = made;
    const target = await openTarget(dir);
    await switchIn(target, made);
    work(dir);
    await target.close();
    t.equal((await apply(dir, v2, v2)).changed, true);
    await isLayer(t, dir, v2);
    t.equal((await apply(dir, v2, v2)).changed, false);
  });
}
