/** The spare, of which an update is made: it changes in it what the versions differ in, and takes nothing for what it was that does not look as it did. */
import fs, { chmodSync, copyFileSync, existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { openTarget } from '../../../src/image/target.ts';
import { verifyTree } from '../../../src/image/verify-tree.ts';
import { runScript } from './as-user.ts';
import { apply, capture, type MemoryLayer } from './layer-in-memory.ts';
import { scratchDirectory } from './scratch.ts';
import { directory, file, makeTree, noise, type DirectorySpec, type Spec } from './tree-spec.ts';

/** What stays, what changes, and what becomes something else. */
function version(number: number): DirectorySpec {
  const small: Record<string, Spec> = {};
  for (let at = 0; at < 40; at += 1) small[`s${at}`] = file(noise(60, at % 10 === 0 ? at * 10 + number : at));
  return directory({
    stays: directory({ a: file(noise(3000, 1)), b: file(noise(5000, 2)), link: { type: 'symlink', target: 'a' }, pipe: { type: 'fifo' }, deep: directory({ c: file(noise(2000, 3)) }) }),
    small: directory(small),
    changes: directory({ large: file(noise(30_000, number)), same: file(noise(4000, 5)), [`only-${number}`]: file(noise(700, number)) }),
    [`dir-${number}`]: directory({ below: directory({ moved: file(noise(9000, 7)) }) }),
    touched: file(noise(3000, 8), { mtime: [1_600_000_000 + number, 5] }),
    kind: number % 2 === 1 ? file('a file') : directory({ below: file('below') }),
    link: { type: 'symlink', target: number % 2 === 1 ? 'touched' : 'stays/a' },
    empty: directory({}),
    further: directory({ first: file(noise(2500, 9)), second: { type: 'hardlink', to: 'further/first' }, third: { type: 'hardlink', to: number % 2 === 1 ? 'further/first' : 'changes/same' } }),
    group: directory({ one: file(noise(2600, 10)), two: { type: 'hardlink', to: 'group/one' } }),
  });
}

interface Fixture {
  readonly dir: string;
  readonly state: string;
  readonly spare: string;
  readonly v1: MemoryLayer;
  readonly v2: MemoryLayer;
}

/** A target that holds v1. */
async function fixture(t: Test): Promise<Fixture> {
  const base = scratchDirectory(t);
  for (const number of [1, 2]) makeTree(join(base, `v${number}`), version(number));
  const [v1, v2] = [await capture(join(base, 'v1')), await capture(join(base, 'v2'))];
  const [dir, state] = [join(base, 'target'), join(base, '.target.branchcast')];
  await apply(dir, v1);
  return { dir, state, spare: join(state, 'spare'), v1, v2 };
}

/** The target is the layer, is known to be, and so is the spare. */
async function isWhole(t: Test, { dir, spare }: Fixture, layer: MemoryLayer, what: string): Promise<void> {
  t.same((await verifyTree(dir, layer.manifest)).differences, [], `${what}: the target`);
  t.equal((await apply(dir, layer, layer)).changed, false, `${what}: nothing is left to do`);
  t.same((await verifyTree(spare, layer.manifest)).differences, [], `${what}: the spare`);
}

const inodeOf = (...path: string[]): bigint => lstatSync(join(...path), { bigint: true }).ino;

void t.test('stands beside the target, and has its inodes', async (t) => {
  const made = await fixture(t);
  const { dir, spare, state, v1 } = made;
  await isWhole(t, made, v1, 'v1');
  const paths = readdirSync(dir, { recursive: true, encoding: 'utf8' });
  for (const path of paths) t.equal(inodeOf(dir, path) === inodeOf(spare, path), !lstatSync(join(dir, path)).isDirectory(), path);
  t.same(readdirSync(state).sort(), ['lock', 'owner.json', 'spare', 'spare-cache', 'stat-cache']);
});

void t.test('an update touches what it changes, and nothing else', async (t) => {
  const made = await fixture(t);
  const { dir, spare, v1, v2 } = made;
  const same = ['stays/a', 'stays/link', 'stays/pipe', 'stays/deep/c', 'small/s1', 'changes/same', 'group/one', 'group/two'];
  const stamp = (path: string): readonly bigint[] => [inodeOf(dir, path), lstatSync(join(dir, path), { bigint: true }).ctimeNs];
  // That of v2 is a further name of `changes/same`.
  const before = same.filter((path) => path !== 'changes/same').map(stamp);
  const directories = ['stays', 'stays/deep', 'empty', 'group'];
  const spares = directories.map((path) => inodeOf(spare, path));
  await apply(dir, v2, v1);
  await isWhole(t, made, v2, 'v2');
  // An inode's change time moves with each name that it gets or loses.
  t.same(same.filter((path) => path !== 'changes/same').map(stamp), before);
  t.same(directories.map((path) => inodeOf(dir, path)), spares, 'directories of the spare');
  await apply(dir, v1, v2);
  await isWhole(t, made, v1, 'v1 again');
});

/** What somebody may do to a tree. `outside` is a directory elsewhere. */
const TAMPERINGS: Record<string, (tree: string, outside: string) => void> = {
  'nothing at all': () => undefined,
  'a file more': (tree) => writeFileSync(join(tree, 'stays', 'stranger'), 'x'),
  'a file more in the root': (tree) => writeFileSync(join(tree, 'stranger'), 'x'),
  'a tree more': (tree) => makeTree(join(tree, 'empty', 'strangers'), directory({ one: file('1'), two: directory({ three: file('3') }) })),
  'a file less': (tree) => rmSync(join(tree, 'stays', 'a')),
  'a directory less': (tree) => rmSync(join(tree, 'stays'), { recursive: true }),
  'a file with other bytes': (tree) => writeFileSync(join(tree, 'stays', 'b'), noise(5000, 77)),
  'a small file with other bytes': (tree) => writeFileSync(join(tree, 'small', 's10'), noise(60, 77)),
  'a file that is exchanged for another': (tree) => {
    rmSync(join(tree, 'stays', 'a'));
    writeFileSync(join(tree, 'stays', 'a'), noise(3000, 78));
  },
  'a file that is exchanged for its own copy': (tree) => {
    copyFileSync(join(tree, 'small', 's3'), join(tree, 'copy'));
    renameSync(join(tree, 'copy'), join(tree, 'small', 's3'));
  },
  'a file that is a directory now': (tree) => {
    rmSync(join(tree, 'changes', 'same'));
    mkdirSync(join(tree, 'changes', 'same', 'more'), { recursive: true });
  },
  'a small file that is a directory now': (tree) => {
    rmSync(join(tree, 'small', 's20'));
    mkdirSync(join(tree, 'small', 's20'));
  },
  'a directory that is a file now': (tree) => {
    rmSync(join(tree, 'stays', 'deep'), { recursive: true });
    writeFileSync(join(tree, 'stays', 'deep'), 'x');
  },
  'a directory that is a link to elsewhere now': (tree, outside) => {
    rmSync(join(tree, 'small'), { recursive: true });
    symlinkSync(outside, join(tree, 'small'));
  },
  'a directory that goes, with something in it': (tree) => makeTree(join(tree, 'dir-1', 'below', 'more'), directory({ file: file('x') })),
  'another link': (tree) => {
    rmSync(join(tree, 'stays', 'link'));
    symlinkSync('b', join(tree, 'stays', 'link'));
  },
  'a directory with another mode': (tree) => chmodSync(join(tree, 'stays'), 0o711),
  'a directory with other times': (tree) => utimesSync(join(tree, 'empty'), 1, 1),
  'a file with another mode': (tree) => chmodSync(join(tree, 'stays', 'deep', 'c'), 0o600),
  'a further name less': (tree) => rmSync(join(tree, 'group', 'two')),
  'a first name less': (tree) => rmSync(join(tree, 'group', 'one')),
  'a further name more': (tree) => fs.linkSync(join(tree, 'stays', 'a'), join(tree, 'stays', 'z')),
  'names that have been exchanged': (tree) => {
    renameSync(join(tree, 'stays', 'a'), join(tree, 'aside'));
    renameSync(join(tree, 'stays', 'b'), join(tree, 'stays', 'a'));
    renameSync(join(tree, 'aside'), join(tree, 'stays', 'b'));
  },
};

for (const where of ['spare', 'target'] as const) {
  for (const [what, tamper] of Object.entries(TAMPERINGS)) {
    void t.test(`in the ${where}: ${what}`, async (t) => {
      const made = await fixture(t);
      const outside = scratchDirectory(t);
      makeTree(join(outside, 'small'), directory({ s0: file(noise(60, 0)), kept: file('kept') }));
      tamper(where === 'spare' ? made.spare : made.dir, join(outside, 'small'));
      await apply(made.dir, made.v2, made.v1);
      await isWhole(t, made, made.v2, 'v2');
      await apply(made.dir, made.v1, made.v2);
      await isWhole(t, made, made.v1, 'v1');
      t.same(readdirSync(join(outside, 'small')), ['kept', 's0']);
      t.equal(readFileSync(join(outside, 'small', 'kept'), 'utf8'), 'kept');
    });
    void t.test(`in the ${where}, then a repair: ${what}`, async (t) => {
      const made = await fixture(t);
      const outside = scratchDirectory(t);
      mkdirSync(join(outside, 'small'));
      tamper(where === 'spare' ? made.spare : made.dir, join(outside, 'small'));
      await apply(made.dir, made.v1, made.v1);
      t.same((await verifyTree(made.dir, made.v1.manifest)).differences, []);
      await apply(made.dir, made.v2, made.v1);
      await isWhole(t, made, made.v2, 'v2');
    });
  }
}

void t.test('one of another version, or of which nothing is known, is not used', async (t) => {
  const made = await fixture(t);
  const { dir, state, v1, v2 } = made;
  const cache = readFileSync(join(state, 'spare-cache'));
  await apply(dir, v2, v1);
  writeFileSync(join(state, 'spare-cache'), cache);
  await apply(dir, v1, v2);
  await isWhole(t, made, v1, 'v1');
  rmSync(join(state, 'spare-cache'));
  await apply(dir, v2, v1);
  await isWhole(t, made, v2, 'v2');
  rmSync(join(state, 'spare'), { recursive: true });
  await apply(dir, v1, v2);
  await isWhole(t, made, v1, 'v1 again');
});

void t.test('where files cannot have second names there is none', async (t) => {
  const real = fs.linkSync;
  t.teardown(() => {
    fs.linkSync = real;
    syncBuiltinESMExports();
  });
  const base = scratchDirectory(t);
  for (const number of [1, 2]) makeTree(join(base, `v${number}`), directory({ a: file(noise(3000, 1)), b: file(noise(3000, number + 1)), small: file('small') }));
  const [v1, v2] = [await capture(join(base, 'v1')), await capture(join(base, 'v2'))];
  fs.linkSync = () => {
    throw Object.assign(new Error('EPERM: operation not permitted, link'), { code: 'EPERM', syscall: 'link' });
  };
  syncBuiltinESMExports();
  const dir = join(base, 'target');
  for (const [layer, before] of [[v1, undefined], [v2, v1], [v1, v2]] as const) {
    await apply(dir, layer, before);
    t.same((await verifyTree(dir, layer.manifest)).differences, []);
    t.equal((await apply(dir, layer, layer)).changed, false);
    t.same(readdirSync(join(base, '.target.branchcast')).sort(), ['lock', 'owner.json', 'stat-cache']);
  }
});

void t.test('directories that others may write to are nobody else\'s until the switch', async (t) => {
  const base = scratchDirectory(t);
  const open = (number: number): DirectorySpec =>
    directory({
      open: directory({ stays: file(noise(3000, 1)), changes: file(noise(3000, number)), below: directory({ deep: file(noise(900, number)) }, { mode: 0o777 }) }, { mode: 0o1777 }),
      'open-too': directory({ stays: directory({ f: file('f') }, { mode: 0o775 }) }, { mode: 0o777 }),
      [`gone-${number}`]: directory({ inner: directory({ f: file('f') }, { mode: 0o777 }) }, { mode: 0o777 }),
    });
  for (const number of [1, 2]) makeTree(join(base, `v${number}`), open(number));
  const [v1, v2] = [await capture(join(base, 'v1')), await capture(join(base, 'v2'))];
  const dir = join(base, 'target');
  await apply(dir, v1);
  const target = await openTarget(dir);
  const staging = await target.stage(v2.manifest, v1.manifest);
  const state = join(base, '.target.branchcast');
  const stage = join(state, readdirSync(state).find((name) => /^stage-\d+-[0-9a-f]+$/.test(name)) ?? '');
  const found = readdirSync(stage, { recursive: true, encoding: 'utf8', withFileTypes: true }).filter((entry) => entry.isDirectory());
  t.equal(found.length, 6);
  for (const { parentPath, name } of found) t.equal(lstatSync(join(parentPath, name)).mode & 0o7777, 0o700, name);
  await staging?.seed();
  await staging?.writeAll(staging.wanted().map(({ digest }) => ({ digest, bytes: v2.chunks.get(digest) ?? new Uint8Array() })));
  await staging?.switch({ layer: 'x@2', descriptor: v2.root });
  await target.close();
  const made = { dir, state, spare: join(state, 'spare'), v1, v2 };
  await isWhole(t, made, v2, 'v2');
  await apply(dir, v1, v2);
  await isWhole(t, made, v1, 'v1');
});

void t.test('a file of a stage that somebody may have exchanged is not gone on with', async (t) => {
  const base = scratchDirectory(t);
  for (const number of [1, 2]) makeTree(join(base, `v${number}`), directory({ open: directory({ large: file(noise(50_000, number)) }, { mode: 0o777 }) }));
  const [v1, v2] = [await capture(join(base, 'v1')), await capture(join(base, 'v2'))];
  const dir = join(base, 'target');
  await apply(dir, v1);
  const target = await openTarget(dir);
  const staging = await target.stage(v2.manifest, v1.manifest);
  await staging?.writeAll(staging.wanted().map(({ digest }) => ({ digest, bytes: v2.chunks.get(digest) ?? new Uint8Array() })));
  await target.close();
  const state = join(base, '.target.branchcast');
  const inStage = join(state, readdirSync(state).find((name) => /^stage-\d+-[0-9a-f]+$/.test(name)) ?? '', 'open');
  // As it is when its metadata has been set, and its process died then.
  chmodSync(inStage, 0o777);
  writeFileSync(join(inStage, 'large'), noise(50_000, 99));
  const { fetchedBytes } = await apply(dir, v2, v1);
  t.ok(fetchedBytes > 40_000);
  t.same((await verifyTree(dir, v2.manifest)).differences, []);
});

void t.test('without one', async (t) => {
  const made = await fixture(t);
  const { dir, state, v1, v2 } = made;
  await apply(dir, v2, v1, { spare: false });
  t.same((await verifyTree(dir, v2.manifest)).differences, []);
  t.equal((await apply(dir, v2, v2, { spare: false })).changed, false);
  t.same(readdirSync(state).sort(), ['lock', 'owner.json', 'stat-cache'], 'that of the version before has become the target');
  await apply(dir, v1, v2);
  await isWhole(t, made, v1, 'v1');
});

void t.test('what is written while the spare is made is not taken for what was applied', async (t) => {
  const base = scratchDirectory(t);
  makeTree(join(base, 'v1'), directory(Object.fromEntries(Array.from({ length: 20 }, (_, at) => [`f${at}`, file(noise(3000, at))]))));
  const v1 = await capture(join(base, 'v1'));
  const dir = join(base, 'target');
  const real = fs.linkSync;
  t.teardown(() => {
    fs.linkSync = real;
    syncBuiltinESMExports();
  });
  let count = 0;
  // In the same tick of the clock as the link, and its length stays: its change time may not tell.
  fs.linkSync = (from, to) => {
    real(from, to);
    if ((count += 1) === 7) fs.writeSync(fs.openSync(from, 'r+'), 'changed', 0);
  };
  syncBuiltinESMExports();
  await apply(dir, v1);
  fs.linkSync = real;
  syncBuiltinESMExports();
  t.equal(count, 20);
  t.equal((await verifyTree(dir, v1.manifest)).differenceCount, 2, 'content and mtime of a file');
  t.equal((await apply(dir, v1, v1)).changed, true, 'it is found');
  t.same((await verifyTree(dir, v1.manifest)).differences, []);
});

void t.test('directories that keep their own user out', { skip: process.getuid?.() === 0 ? false : 'needs root, to become another user' }, async (t) => {
  const base = scratchDirectory(t);
  chmodSync(base, 0o777);
  const said = runScript(
    `
    import { chmodSync, existsSync, mkdirSync } from 'node:fs';
    import { verifyTree } from '#src/image/verify-tree.ts';
    import { apply, capture } from '#test/unit/image/layer-in-memory.ts';
    import { directory, file, makeTree, noise } from '#test/unit/image/tree-spec.ts';
    const layers = [];
    for (const number of [1, 2]) {
      makeTree('${base}/v' + number, directory({
        shut: directory({ stays: file(noise(3000, 1)), changes: file(noise(3000, number)), below: directory({ deep: file(noise(900, number)) }, { mode: 0o555 }) }, { mode: 0o555 }),
        ['gone-' + number]: directory({ inner: directory({ f: file('f') }, { mode: 0o500 }) }, { mode: 0o555 }),
        dark: directory({}, { mode: 0o000 }),
        open: directory({ stays: file(noise(4000, 2)) }),
      }, { mode: 0o555 }));
      chmodSync('${base}/v' + number + '/dark', 0o700);
      const layer = await capture('${base}/v' + number);
      layers.push(layer);
    }
    const [v1, v2] = layers;
    for (const [layer, before] of [[v1, undefined], [v2, v1], [v1, v2], [v2, v1]]) {
      await apply('${base}/target', layer, before);
      const { differences } = await verifyTree('${base}/target', layer.manifest);
      console.log(JSON.stringify(differences), (await apply('${base}/target', layer, layer)).changed, existsSync('${base}/.target.branchcast/spare/open/stays'));
    }`,
    { uid: 65_534 },
  );
  t.same(said.split('\n'), Array.from({ length: 4 }, () => '[] false true'));
  t.ok(existsSync(join(base, 'target')));
});
