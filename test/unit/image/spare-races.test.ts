/** What happens to a spare, and to what is noted of a tree, when more goes on at a time than in a small update. */
import fs, { chmodSync, existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { setMtime } from '../../../src/image/posix.ts';
import { openTarget } from '../../../src/image/target.ts';
import { verifyTree } from '../../../src/image/verify-tree.ts';
import { apply, capture, type ApplyOptions, type MemoryLayer } from './layer-in-memory.ts';
import { scratchDirectory } from './scratch.ts';
import { DEFAULT_MTIME, directory, file, makeTree, noise, type DirectorySpec, type Spec } from './tree-spec.ts';

interface Versions {
  readonly base: string;
  readonly dir: string;
  readonly layers: readonly MemoryLayer[];
  readonly hasSpare: () => boolean;
}

async function versions(t: Test, ...specs: readonly DirectorySpec[]): Promise<Versions> {
  const base = scratchDirectory(t);
  const layers: MemoryLayer[] = [];
  for (const [at, spec] of specs.entries()) {
    makeTree(join(base, `v${at}`), spec);
    layers.push(await capture(join(base, `v${at}`)));
  }
  return { base, dir: join(base, 'target'), layers, hasSpare: () => existsSync(join(base, '.target.branchcast', 'spare-cache')) };
}

/** One after the other: each is there, and nothing is left to do. */
async function applyAll(t: Test, { dir, layers }: Versions, options: ApplyOptions = {}): Promise<void> {
  for (const [at, layer] of layers.entries()) {
    await apply(dir, layer, layers[at - 1], options);
    t.same((await verifyTree(dir, layer.manifest)).differences, [], `version ${at}`);
    t.equal((await apply(dir, layer, layer, options)).changed, false, `version ${at} is known to be there`);
  }
}

/** Replaces a call for as long as the test runs. */
function patch<Name extends 'linkSync' | 'mkdirSync'>(t: Test, name: Name, replace: (real: (typeof fs)[Name]) => (typeof fs)[Name]): void {
  const real = fs[name];
  const set = (call: (typeof fs)[Name]): void => {
    fs[name] = call;
    syncBuiltinESMExports();
  };
  t.teardown(() => set(real));
  set(replace(real));
}

const many = (count: number, spec: (at: number) => Spec): Record<string, Spec> => Object.fromEntries(Array.from({ length: count }, (_, at) => [`n${String(at).padStart(5, '0')}`, spec(at)]));

void t.test('a tree with thousands of directories before its first new file', async (t) => {
  const directories = many(2500, () => directory({}));
  const made = await versions(t, ...[1, 2, 3].map((number) => directory({ ...directories, z: file(noise(3000, number)) })));
  await applyAll(t, made);
  t.ok(made.hasSpare());
});

void t.test('small files of two directories that change places, on threads', async (t) => {
  const small = (seed: number): DirectorySpec => directory(many(1500, (at) => file(noise(60, seed * 10_000 + at))));
  const made = await versions(t, directory({ a: small(1), z: small(2) }), directory({ a: small(2), z: small(1) }), directory({ a: small(1), z: small(2) }));
  await applyAll(t, made, { inodesDoneHere: 0 });
});

void t.test('a disk that has no room for the directories of a spare', async (t) => {
  const made = await versions(t, directory(many(3000, (at) => directory({ f: file(noise(600, at)) }))));
  let count = -1;
  const refuse = (): void => {
    if (count >= 0 && (count += 1) > 2500) throw Object.assign(new Error('ENOSPC: no space left on device, mkdir'), { code: 'ENOSPC', syscall: 'mkdir' });
  };
  patch(t, 'mkdirSync', (real) => new Proxy(real, { apply: (call, self, parameters) => (refuse(), Reflect.apply(call, self, parameters) as unknown) }));
  const [layer] = made.layers as [MemoryLayer];
  await apply(made.dir, layer, undefined, { onInForce: () => (count = 0) });
  count = -1;
  t.notOk(made.hasSpare());
  t.same(readdirSync(join(made.base, '.target.branchcast')).sort(), ['lock', 'owner.json', 'stat-cache']);
  t.same((await verifyTree(made.dir, layer.manifest)).differences, []);
  t.equal((await apply(made.dir, layer, layer)).changed, false, 'what it looks like is known all the same');
});

void t.test('a file with names in directories of which others may write to one', async (t) => {
  const made = await versions(t, ...[1, 2, 3].map((number) => directory({ a: directory({ one: file(noise(3000, 50)) }), d: directory({ two: { type: 'hardlink', to: 'a/one' } }, { mode: 0o775 }), x: file(noise(3000, number)) })));
  const [first, ...others] = made.layers as [MemoryLayer, MemoryLayer, MemoryLayer];
  await apply(made.dir, first, undefined, { spare: false });
  for (const [at, layer] of others.entries()) {
    await apply(made.dir, layer, made.layers[at]);
    t.same((await verifyTree(join(made.base, '.target.branchcast', 'spare'), layer.manifest)).differences, []);
    t.equal((await apply(made.dir, layer, layer)).changed, false);
  }
});

void t.test('files with several names and a time that is still to come', async (t) => {
  const further: Spec = { type: 'hardlink', to: 'd/a' };
  const first = file(noise(3000, 50), { mtime: [4_000_000_000, 5] });
  for (const spare of [true, false]) {
    await applyAll(t, await versions(t, directory({ d: directory({ a: first, b: further, c: further }), x: file(noise(3000, 1)) }), directory({ d: directory({ a: first, b: further }), x: file(noise(3000, 2)) })), { spare });
  }
});

for (const spare of [true, false]) {
  const where = spare ? 'with a spare' : 'without';

  void t.test(`a directory that is exchanged when the layer has come into force is not taken for it: ${where}`, async (t) => {
    const made = await versions(t, ...[1, 2].map((number) => directory({ w: directory({ o: directory({ deep: directory({ f: file(noise(3000, number)) }) }) }), z: file('z') })));
    const [v1, v2] = made.layers as [MemoryLayer, MemoryLayer];
    const { base, dir } = made;
    await apply(dir, v1, undefined, { spare });
    // Of the same length, mode, owner and time.
    mkdirSync(join(base, 'o', 'deep'), { recursive: true });
    writeFileSync(join(base, 'o', 'deep', 'f'), noise(3000, 666), { mode: 0o644 });
    setMtime(Buffer.from(join(base, 'o', 'deep', 'f')), ...DEFAULT_MTIME);
    await new Promise((resolve) => setTimeout(resolve, 50));
    const onInForce = (): void => {
      renameSync(join(dir, 'w', 'o'), join(base, 'was'));
      renameSync(join(base, 'o'), join(dir, 'w', 'o'));
    };
    await apply(dir, v2, v1, { spare, onInForce });
    t.equal((await verifyTree(dir, v2.manifest)).differences.some(({ kind }) => kind === 'content'), true);
    t.equal((await apply(dir, v2, v2, { spare })).changed, true);
    t.same((await verifyTree(dir, v2.manifest)).differences, []);
  });

  void t.test(`a file that has moved, and is exchanged when the layer has come into force: ${where}`, async (t) => {
    const made = await versions(t, ...[1, 2].map((number) => directory({ d: directory({ [`log${number}`]: file(noise(3000, 7)) }), x: file(noise(3000, number)) })));
    const [v1, v2] = made.layers as [MemoryLayer, MemoryLayer];
    const { base, dir } = made;
    await apply(dir, v1, undefined, { spare });
    writeFileSync(join(base, 'mine'), noise(3000, 666), { mode: 0o644 });
    await new Promise((resolve) => setTimeout(resolve, 30));
    await apply(dir, v2, v1, { spare, onInForce: () => renameSync(join(base, 'mine'), join(dir, 'd', 'log2')) });
    await apply(dir, v2, v2, { spare });
    t.same((await verifyTree(dir, v2.manifest)).differences, []);
  });

  void t.test(`a file that a stage shared, and was written to, is not gone on with unseen: ${where}`, async (t) => {
    // `g` is a copy of `f`, so that what the log says of it is said of `f` as well.
    const made = await versions(t, directory({ f: file(noise(3000, 50)), x: file(noise(3000, 1)) }), directory({ f: file(noise(3000, 50)), g: file(noise(3000, 50)), x: file(noise(3000, 2)) }));
    const [v1, v2] = made.layers as [MemoryLayer, MemoryLayer];
    const { dir } = made;
    for (const isGone of [false, true]) {
      rmSync(dir, { recursive: true, force: true });
      await apply(dir, v1, undefined, { spare });
      const target = await openTarget(dir, { spare });
      const staging = await target.stage(v2.manifest, v1.manifest);
      await staging?.seed();
      await target.close();
      const fd = fs.openSync(join(dir, 'f'), 'r+');
      fs.writeSync(fd, noise(3000, 99), 0);
      fs.closeSync(fd);
      rmSync(isGone ? dir : join(dir, 'f'), { recursive: true });
      await apply(dir, v2, isGone ? undefined : v1, { spare });
      t.same((await verifyTree(dir, v2.manifest)).differences, []);
    }
  });

  void t.test(`a switch that was broken off when further names had been made goes on: ${where}`, async (t) => {
    const made = await versions(t, directory({ a: file(noise(3000, 50)), x: file(noise(3000, 1)) }), directory({ a: file(noise(3000, 50)), b: { type: 'hardlink', to: 'a' }, x: file(noise(3000, 2)) }));
    const [v1, v2] = made.layers as [MemoryLayer, MemoryLayer];
    const { dir } = made;
    await apply(dir, v1, undefined, { spare });
    const target = await openTarget(dir, { spare });
    const staging = await target.stage(v2.manifest, v1.manifest);
    if (staging === undefined) throw new Error('there is nothing to do');
    await staging.writeAll(staging.wanted().map(({ digest }) => ({ digest, bytes: v2.chunks.get(digest) ?? new Uint8Array() })));
    const stop = new AbortController();
    patch(t, 'linkSync', (real) => (from, to) => {
      real(from, to);
      stop.abort();
    });
    await t.rejects(staging.switch({ layer: 'x@2', descriptor: v2.root }, { signal: stop.signal }), { code: 'BC_CANCELLED' });
    await staging.switch({ layer: 'x@2', descriptor: v2.root });
    await target.close();
    t.same((await verifyTree(dir, v2.manifest)).differences, []);
    t.equal((await apply(dir, v2, v2, { spare })).changed, false);
  });
}

void t.test('what somebody adds to the new version at once costs no more than itself', async (t) => {
  const made = await versions(t, ...[1, 2].map((number) => directory({ a: directory({ f: file(noise(3000, 1)) }), b: file(noise(3000, number)) })));
  const [v1, v2] = made.layers as [MemoryLayer, MemoryLayer];
  const { dir } = made;
  await apply(dir, v1);
  await apply(dir, v2, v1, { onInForce: () => writeFileSync(join(dir, 'added'), 'x') });
  t.ok(made.hasSpare());
  const { changed, fetchedBytes, seededBytes } = await apply(dir, v2, v2);
  t.same({ changed, fetchedBytes, seededBytes }, { changed: true, fetchedBytes: 0, seededBytes: 0 });
  t.same((await verifyTree(dir, v2.manifest)).differences, []);
  chmodSync(dir, 0o755);
});
