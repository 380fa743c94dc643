/** Whose a target is, what it holds, and what a second look at it finds. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, chmodSync, existsSync, linkSync, lstatSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { hash } from '../../../src/chunking/hash.ts';
import { openTarget, type Staging, type Target } from '../../../src/image/target.ts';
import { verifyTree } from '../../../src/image/verify-tree.ts';
import { apply, capture, manifestOf, type MemoryLayer } from './layer-in-memory.ts';
import { scratchDirectory } from './scratch.ts';
import { directory, file, makeTree, noise, type DirectorySpec } from './tree-spec.ts';

const TREE = directory({ small: file('small'), other: file('other'), large: file(noise(20_000, 1)), sub: directory({ deep: file('deep') }), link: { type: 'symlink', target: 'small' } });

async function layerOf(base: string, name: string, spec: DirectorySpec = TREE): Promise<MemoryLayer> {
  makeTree(join(base, name), spec);
  return capture(join(base, name));
}

/** The stage of a layer that is not applied yet. */
async function staged(target: Target, after: MemoryLayer, before?: MemoryLayer): Promise<Staging> {
  const staging = await target.stage(after.manifest, before?.manifest);
  if (staging === undefined) throw new Error('there is nothing to do');
  return staging;
}

async function checkSame(t: Test, dir: string, layer: MemoryLayer): Promise<void> {
  t.same((await verifyTree(dir, layer.manifest)).differences, []);
}

void t.test('a new target, its parents too', async (t) => {
  const base = scratchDirectory(t);
  const layer = await layerOf(base, 'v1');
  const dir = join(base, 'some', 'where', 'target');
  const target = await openTarget(dir);
  t.equal(target.current(), undefined);
  t.equal(target.path, dir);
  t.equal(target.stateDir, join(base, 'some', 'where', '.target.branchcast'));
  t.equal(lstatSync(target.stateDir).mode & 0o777, 0o700);
  await target.close();
  await target.close();
  const applied = await apply(dir, layer);
  t.same(applied, { changed: true, seededBytes: 0, fetchedBytes: layer.stats.chunkBytes });
  await checkSame(t, dir, layer);
  const again = await openTarget(dir);
  t.match(again.current(), { layer: 'test/layer@1', root: layer.root, descriptor: layer.root });
  await again.close();
  t.same(readdirSync(again.stateDir).sort(), ['lock', 'owner.json', 'spare', 'spare-cache', 'stat-cache'], 'nothing is left of the stage');
});

void t.test('the same layer again is nothing to do', async (t) => {
  const base = scratchDirectory(t);
  const layer = await layerOf(base, 'v1');
  await apply(join(base, 'target'), layer);
  t.equal((await apply(join(base, 'target'), layer, layer)).changed, false);
  t.equal((await apply(join(base, 'target'), layer)).changed, false, 'nor without the manifest of before');
});

void t.test('the same tree under another name', async (t) => {
  const base = scratchDirectory(t);
  const layer = await layerOf(base, 'v1');
  const dir = join(base, 'target');
  const empty = await openTarget(dir);
  t.throws(() => empty.relabel({ layer: 'test/layer@2', descriptor: layer.root }), { code: 'BC_INTERNAL' });
  await empty.close();
  await apply(dir, layer);
  const target = await openTarget(dir);
  const { ino } = lstatSync(dir);
  t.equal(await target.stage(layer.manifest, layer.manifest), undefined);
  const descriptor = hash(Buffer.from('another'));
  target.relabel({ layer: 'test/layer@2', descriptor });
  t.match(target.current(), { layer: 'test/layer@2', root: layer.root, descriptor });
  await target.close();
  const again = await openTarget(dir);
  t.match(again.current(), { layer: 'test/layer@2', root: layer.root, descriptor }, 'a later process sees it');
  t.equal(await again.stage(layer.manifest, layer.manifest), undefined, 'and still has nothing to do');
  await again.close();
  t.equal(lstatSync(dir).ino, ino);
});

void t.test('drift is found and repaired from what is left', async (t) => {
  const changes: Record<string, (dir: string) => void> = {
    'a small file changed': (dir) => appendFileSync(join(dir, 'small'), '!'),
    'a large file changed in place, its times set back': (dir) => {
      const { atime, mtime } = lstatSync(join(dir, 'large'));
      const bytes = readFileSync(join(dir, 'large'));
      bytes[10_000] = (bytes[10_000] ?? 0) ^ 1;
      writeFileSync(join(dir, 'large'), bytes);
      utimesSync(join(dir, 'large'), atime, mtime);
    },
    'a file removed': (dir) => rmSync(join(dir, 'other')),
    'a file added': (dir) => writeFileSync(join(dir, 'sub', 'added'), 'x'),
    'a mode changed': (dir) => chmodSync(join(dir, 'large'), 0o777),
    'the mode of a directory changed': (dir) => chmodSync(join(dir, 'sub'), 0o700),
    'two files swapped': (dir) => {
      renameSync(join(dir, 'small'), join(dir, 'x'));
      renameSync(join(dir, 'other'), join(dir, 'small'));
      renameSync(join(dir, 'x'), join(dir, 'other'));
    },
    'a directory became a link out of the tree': (dir) => {
      renameSync(join(dir, 'sub'), join(dir, '..', 'elsewhere'));
      symlinkSync('../elsewhere', join(dir, 'sub'));
    },
    'two files became one': (dir) => {
      rmSync(join(dir, 'other'));
      linkSync(join(dir, 'small'), join(dir, 'other'));
    },
    'everything removed': (dir) => {
      for (const name of readdirSync(dir)) rmSync(join(dir, name), { recursive: true });
    },
    'the target itself removed': (dir) => rmSync(dir, { recursive: true }),
  };
  for (const [what, change] of Object.entries(changes)) {
    await t.test(what, async (t) => {
      const base = scratchDirectory(t);
      const layer = await layerOf(base, 'v1');
      const dir = join(base, 'target');
      await apply(dir, layer);
      change(dir);
      t.equal((await apply(dir, layer, layer)).changed, true);
      await checkSame(t, dir, layer);
      t.equal((await apply(dir, layer, layer)).changed, false, 'and then there is nothing left to do');
    });
  }
});

void t.test('repair takes nothing from elsewhere that the target can supply', async (t) => {
  const base = scratchDirectory(t);
  const layer = await layerOf(base, 'v1');
  const dir = join(base, 'target');
  await apply(dir, layer);
  rmSync(join(base, '.target.branchcast', 'stat-cache'));
  const applied = await apply(dir, layer, layer);
  t.equal(applied.changed, true, 'with no cache, nothing is believed');
  t.equal(applied.fetchedBytes, 0);
  t.ok(applied.seededBytes < 1000, 'large files are verified where they are, not copied');
  await checkSame(t, dir, layer);
});

void t.test('an outer file that got a name in the tree keeps its metadata and its bytes', async (t) => {
  const base = scratchDirectory(t);
  const layer = await layerOf(base, 'v1');
  const dir = join(base, 'target');
  await apply(dir, layer);
  const outside = join(base, 'outside');
  writeFileSync(outside, noise(20_000, 1), { mode: 0o600 });
  rmSync(join(dir, 'large'));
  linkSync(outside, join(dir, 'large'));
  await apply(dir, layer, layer);
  await checkSame(t, dir, layer);
  t.equal(lstatSync(outside).mode & 0o777, 0o600);
  t.not(lstatSync(outside).ino, lstatSync(join(dir, 'large')).ino);
});

void t.test('a directory of others is not touched, unless it is adopted', async (t) => {
  const base = scratchDirectory(t);
  const layer = await layerOf(base, 'v1');
  const dir = join(base, 'target');
  makeTree(dir, directory({ precious: file('mine'), large: file(noise(20_000, 1)) }));
  await t.rejects(openTarget(dir), { code: 'BC_TARGET_NOT_OWNED', message: /holds 2 entries/ });
  t.notOk(existsSync(join(base, '.target.branchcast')), 'nothing was made beside it');
  t.same(readdirSync(dir).sort(), ['large', 'precious']);
  const applied = await apply(dir, layer, undefined, { adopt: true });
  t.ok(applied.fetchedBytes < 1000, 'what was there already was used');
  await checkSame(t, dir, layer);
  await apply(dir, layer);
});

void t.test('an empty directory may be taken; a file, a mount point may not', async (t) => {
  const base = scratchDirectory(t);
  mkdirSync(join(base, 'empty'));
  await (await openTarget(join(base, 'empty'))).close();
  writeFileSync(join(base, 'file'), '');
  await t.rejects(openTarget(join(base, 'file')), { code: 'BC_TARGET_NOT_OWNED' });
  await t.rejects(openTarget('/proc'), { code: 'BC_PLATFORM', message: /mount point/ });
  await t.rejects(openTarget('/'), { code: 'BC_PLATFORM' });
});

void t.test('another directory under the name of the target is not ours', async (t) => {
  const base = scratchDirectory(t);
  const layer = await layerOf(base, 'v1');
  const dir = join(base, 'target');
  await apply(dir, layer);
  renameSync(dir, join(base, 'kept'));
  makeTree(dir, directory({ precious: file('mine') }));
  await t.rejects(openTarget(dir), { code: 'BC_TARGET_NOT_OWNED' });
  t.same(readdirSync(dir), ['precious']);
});

void t.test('a state directory that others can write to is not used', async (t) => {
  const base = scratchDirectory(t);
  mkdirSync(join(base, '.target.branchcast'));
  chmodSync(join(base, '.target.branchcast'), 0o777);
  await t.rejects(openTarget(join(base, 'target')), { code: 'BC_TARGET_NOT_OWNED' });
});

void t.test('a link to the target means the target', async (t) => {
  const base = scratchDirectory(t);
  const layer = await layerOf(base, 'v1');
  await apply(join(base, 'real'), layer);
  symlinkSync('real', join(base, 'alias'));
  t.equal((await apply(join(base, 'alias'), layer, layer)).changed, false);
  t.ok(lstatSync(join(base, 'alias')).isSymbolicLink());
});

void t.test('one process at a time; a killed one leaves no lock', async (t) => {
  const base = scratchDirectory(t);
  const dir = join(base, 'target');
  const script = `
    import { openTarget, type Staging, type Target } from ${JSON.stringify(join(import.meta.dirname, '../../../src/image/target.ts'))};
    await openTarget(${JSON.stringify(dir)});
    console.log('open');
    setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ['--input-type=module-typescript', '-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(child.stdout, 'data');
  await t.rejects(openTarget(dir), { code: 'BC_TARGET_BUSY', message: new RegExp(`process ${child.pid} works on`), details: { pid: child.pid } });
  child.kill('SIGKILL');
  await once(child, 'exit');
  const target = await openTarget(dir);
  await t.rejects(openTarget(dir), { code: 'BC_TARGET_BUSY' }, 'not even this process twice');
  await target.close();
});

void t.test('a file that changes between stage and switch is not taken over', async (t) => {
  const base = scratchDirectory(t);
  const v1 = await layerOf(base, 'v1');
  const v2 = await layerOf(base, 'v2', directory({ ...TREE.entries, added: file('new') }));
  const dir = join(base, 'target');
  await apply(dir, v1);
  const target = await openTarget(dir);
  const staging = await staged(target, v2, v1);
  for (const { digest } of staging.wanted()) staging.write(digest, v2.chunks.get(digest) ?? new Uint8Array());
  appendFileSync(join(dir, 'large'), 'late');
  await t.rejects(staging.switch({ layer: 'x@2', descriptor: v2.root }), { code: 'BC_TARGET_BUSY', message: /large was changed/ });
  await target.close();
  await apply(dir, v2, v1);
  await checkSame(t, dir, v2);
});

void t.test('a stage can be broken off at any time, and gone on with', async (t) => {
  const base = scratchDirectory(t);
  const layer = await layerOf(base, 'v1');
  const dir = join(base, 'target');
  const target = await openTarget(dir);
  const staging = await staged(target, layer);
  const [first, ...rest] = staging.wanted();
  t.equal(staging.neededBytes, layer.stats.chunkBytes);
  if (first !== undefined) staging.write(first.digest, layer.chunks.get(first.digest) ?? new Uint8Array());
  t.equal(staging.missingBytes(), layer.stats.chunkBytes - (first?.chunkBytes ?? 0));
  t.throws(() => staging.write(rest[0]?.digest ?? layer.root, new Uint8Array(1)), { code: 'BC_MANIFEST_MALFORMED' });
  await t.rejects(staging.switch({ layer: 'x@1', descriptor: layer.root }), { code: 'BC_INTERNAL' }, 'not before it is complete');
  await t.rejects(staging.switch({ layer: 'x@1', descriptor: layer.root }, { signal: AbortSignal.abort() }), { code: 'BC_CANCELLED' });
  t.equal(await staging.seed(), 0, 'with no old tree there is no seed');
  await target.close();

  const next = await openTarget(dir);
  t.same((await staged(next, layer)).wanted(), rest, 'the first chunk is there');
  await next.close();
  t.notOk(existsSync(dir), 'nothing shows until the switch');

  // As after a power cut: what was logged is verified.
  const log = readdirSync(next.stateDir).find((name) => name.endsWith('.log')) ?? '';
  const bytes = readFileSync(join(next.stateDir, log));
  bytes.fill('0', 40, 76);
  writeFileSync(join(next.stateDir, log), bytes);
  const rebooted = await openTarget(dir);
  t.same((await staged(rebooted, layer)).wanted(), rest, 'its bytes are right');
  await rebooted.close();
});

void t.test('a stage of another layer is thrown away', async (t) => {
  const base = scratchDirectory(t);
  const v1 = await layerOf(base, 'v1');
  const v2 = await layerOf(base, 'v2', directory({ ...TREE.entries, large: file(noise(30_000, 2)) }));
  const dir = join(base, 'target');
  await apply(dir, v1);
  const target = await openTarget(dir);
  await target.stage(v2.manifest, v1.manifest);
  await target.close();
  const applied = await apply(dir, v1, v1);
  await checkSame(t, dir, v1);
  t.equal(applied.fetchedBytes, 0);
  await apply(dir, v2, v1);
  t.same(readdirSync(join(base, '.target.branchcast')).sort(), ['lock', 'owner.json', 'spare', 'spare-cache', 'stat-cache']);
});

void t.test('a manifest of before with gaps is as good as none', async (t) => {
  const base = scratchDirectory(t);
  const many = Object.fromEntries(Array.from({ length: 2000 }, (_, at) => [`m${at}`, file(`content ${at}`)]));
  const v1 = await layerOf(base, 'v1', directory({ ...TREE.entries, ...many }));
  const v2 = await layerOf(base, 'v2', directory({ ...TREE.entries, ...many, added: file(noise(3000, 2)) }));
  const dir = join(base, 'target');
  await apply(dir, v1);
  const ino = lstatSync(join(dir, 'large')).ino;
  t.ok(v1.nodes.size > 2);
  const nodes = new Map([...v1.nodes].slice(1));
  const applied = await apply(dir, v2, { ...v1, nodes, manifest: manifestOf(v1.root, nodes) });
  t.ok(applied.fetchedBytes < 10_000, `${applied.fetchedBytes} fetched`);
  await checkSame(t, dir, v2);
  t.equal(lstatSync(join(dir, 'large')).ino, ino, 'what is verified where it stands stays there');
});

void t.test('damaged records are named', async (t) => {
  const base = scratchDirectory(t);
  const layer = await layerOf(base, 'v1');
  const dir = join(base, 'target');
  await apply(dir, layer);
  writeFileSync(join(base, '.target.branchcast', 'owner.json'), '{');
  await t.rejects(openTarget(dir), { code: 'BC_STORE_DAMAGED', message: /owner\.json/ });
  rmSync(join(base, '.target.branchcast', 'owner.json'));
  await apply(dir, layer, undefined, { adopt: true });
  await checkSame(t, dir, layer);
});
