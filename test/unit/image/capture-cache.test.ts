/** What a capture keeps for the next one: it may spare reading, and never change a root. */
import { appendFileSync, chmodSync, linkSync, lstatSync, readdirSync, readFileSync, renameSync, rmSync, symlinkSync, truncateSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { CHANGE_TIME_GRAIN_MS, LISTED_PATHS_MAX } from '../../../src/base/limits/trees.ts';
import type { Digest } from '../../../src/chunking/digest.ts';
import { CaptureCache, CaptureCacheWriter } from '../../../src/image/capture-cache.ts';
import { captureUnchanged } from '../../../src/image/capture.ts';
import { capture, SMALL_PARAMS, type MemoryLayer } from './layer-in-memory.ts';
import { makeSocket } from './make-socket.ts';
import { directory, file, makeTree, noise } from './tree-spec.ts';

interface Fixture {
  readonly dir: string;
  readonly cachePath: string;
}

/** Small files in bundles, large ones, links; at rest for long enough to be believed. */
async function fixture(t: Test): Promise<Fixture> {
  const base = t.testdir();
  const dir = join(base, 'tree');
  makeTree(dir, directory({
    ...Object.fromEntries(Array.from({ length: 120 }, (_, at) => [`f${at}`, file(noise(20 + (at % 90), at))])),
    empty: file(''), large: file(noise(60_000, 500)), larger: file(noise(90_000, 501)), sub: directory({ hard: { type: 'hardlink', to: 'f7' }, link: { type: 'symlink', target: 'f9' }, tiny: file('x') }),
  }));
  await settle();
  return { dir, cachePath: join(base, 'cache') };
}

/** Change times of now are of the past afterwards. */
function settle(): Promise<void> {
  return sleep(3 * CHANGE_TIME_GRAIN_MS);
}

/** A capture that believes the cache and leaves a new one. */
async function remembered({ dir, cachePath }: Fixture, usable: (digest: Digest) => boolean = () => true): Promise<MemoryLayer> {
  const record = new CaptureCacheWriter();
  const known = CaptureCache.load(cachePath, SMALL_PARAMS)?.reader(usable);
  const layer = await capture(dir, SMALL_PARAMS, { known, record });
  const { root, stats, skipped, skippedCount } = layer;
  record.save(cachePath, SMALL_PARAMS, { root, stats, skipped, skippedCount });
  return layer;
}

const unchanged = async ({ dir, cachePath }: Fixture): Promise<boolean> => (await captureUnchanged(dir, CaptureCache.load(cachePath, SMALL_PARAMS) as CaptureCache)) !== undefined;

await t.test('a tree that has not changed is not read', async (t) => {
  const tree = await fixture(t);
  const first = await remembered(tree);
  t.ok(first.chunks.size > 20);
  t.same(CaptureCache.load(tree.cachePath, SMALL_PARAMS)?.chunks().sort(), [...first.chunks.keys()].sort());
  const second = await remembered(tree);
  t.same([second.root, second.stats], [first.root, first.stats]);
  t.equal(second.chunks.size, 0, 'no chunk was made');
  t.match(await captureUnchanged(tree.dir, CaptureCache.load(tree.cachePath, SMALL_PARAMS) as CaptureCache), { root: first.root, stats: first.stats });
});

const changes: Readonly<Record<string, (dir: string) => void>> = {
  'same size and time, other bytes': (dir) => {
    const path = join(dir, 'f50');
    const { atime, mtime } = lstatSync(path);
    writeFileSync(path, Buffer.from(readFileSync(path)).reverse());
    utimesSync(path, atime, mtime);
  },
  'a large file of the same size and time': (dir) => {
    const { atime, mtime } = lstatSync(join(dir, 'large'));
    writeFileSync(join(dir, 'large'), noise(60_000, 777));
    utimesSync(join(dir, 'large'), atime, mtime);
  },
  'another inode with the same size and time': (dir) => {
    const { atime, mtime } = lstatSync(join(dir, 'f51'));
    writeFileSync(join(dir, 'aside'), Buffer.from(readFileSync(join(dir, 'f51'))).fill(1));
    utimesSync(join(dir, 'aside'), atime, mtime);
    renameSync(join(dir, 'aside'), join(dir, 'f51'));
  },
  'two files that swap names': (dir) => {
    renameSync(join(dir, 'large'), join(dir, 'aside'));
    renameSync(join(dir, 'larger'), join(dir, 'large'));
    renameSync(join(dir, 'aside'), join(dir, 'larger'));
  },
  'a file more': (dir) => writeFileSync(join(dir, 'f500'), noise(30, 9)),
  'a file less': (dir) => rmSync(join(dir, 'f60')),
  'the last entry is gone': (dir) => rmSync(join(dir, 'sub'), { recursive: true }),
  'a small file that is large now': (dir) => appendFileSync(join(dir, 'f61'), noise(5000, 3)),
  'a large file that is small now': (dir) => truncateSync(join(dir, 'larger'), 100),
  'a mode': (dir) => chmodSync(join(dir, 'f62'), 0o600),
  'a further name': (dir) => linkSync(join(dir, 'f63'), join(dir, 'zzz')),
  'the first of two names is gone': (dir) => rmSync(join(dir, 'f7')),
  'a link in the place of a file': (dir) => {
    rmSync(join(dir, 'f64'));
    symlinkSync('f65', join(dir, 'f64'));
  },
};

for (const [what, change] of Object.entries(changes)) {
  await t.test(`what has changed is read: ${what}`, async (t) => {
    const tree = await fixture(t);
    const before = await remembered(tree);
    change(tree.dir);
    t.notOk(await unchanged(tree));
    const after = await remembered(tree);
    const full = await capture(tree.dir);
    t.same([after.root, after.stats], [full.root, full.stats]);
    for (const digest of full.chunks.keys()) t.ok(before.chunks.has(digest) || after.chunks.has(digest), 'a new chunk comes with its bytes');
    await settle();
    await remembered(tree);
    t.ok(await unchanged(tree), 'and the next cache knows it');
  });
}

await t.test('a change reads the bundles that it touches, and no others', async (t) => {
  const tree = await fixture(t);
  const before = await remembered(tree);
  writeFileSync(join(tree.dir, 'f50'), Buffer.from(readFileSync(join(tree.dir, 'f50'))).reverse());
  const after = await remembered(tree);
  t.ok(after.chunks.size >= 1 && after.chunks.size <= 3, `${after.chunks.size} of ${before.chunks.size} chunks were made again`);
});

await t.test('an inode that changed just before is not believed, since the next change may carry the same time', async (t) => {
  const tree = await fixture(t);
  writeFileSync(join(tree.dir, 'large'), noise(60_000, 600));
  // On a busy machine more than CHANGE_TIME_GRAIN_MS could go by until it is looked at, and it would be believed with reason: the clock stands still meanwhile.
  const { ctimeMs } = lstatSync(join(tree.dir, 'large'));
  const now = t.intercept(Date, 'now', { value: () => Math.ceil(ctimeMs) });
  const layer = await remembered(tree);
  now.restore();
  t.notOk(await unchanged(tree));
  const again = await remembered(tree);
  t.equal(again.root, layer.root);
  t.ok(again.chunks.size > 0, 'it was read again');
});

await t.test('files whose chunks are needed are read', async (t) => {
  const tree = await fixture(t);
  const first = await remembered(tree);
  const lost = new Set([...first.chunks.keys()].filter((_, index) => index % 3 === 0));
  const again = await remembered(tree, (digest) => !lost.has(digest));
  t.equal(again.root, first.root);
  for (const digest of lost) t.ok(again.chunks.has(digest));
});

await t.test('a tree with the same sockets is unchanged, and they are said to be left out', async (t) => {
  const tree = await fixture(t);
  // Between files of one bundle, in a directory, and after everything.
  for (const name of ['f5.socket', 'sub/socket', 'zzz']) await makeSocket(join(tree.dir, name));
  await settle();
  const first = await remembered(tree);
  t.equal(first.skippedCount, 3);
  const again = await captureUnchanged(tree.dir, CaptureCache.load(tree.cachePath, SMALL_PARAMS) as CaptureCache);
  t.match(again, { root: first.root, skippedCount: 3, skipped: first.skipped });
  writeFileSync(join(tree.dir, 'f50'), 'changed');
  t.notOk(await unchanged(tree));
  const second = await remembered(tree);
  const full = await capture(tree.dir);
  t.same([second.root, second.stats, second.skipped], [full.root, full.stats, full.skipped]);
  t.ok(second.chunks.size <= 3, 'sockets do not keep the files from being known');
});

const socketChanges: Readonly<Record<string, (dir: string) => void | Promise<void>>> = {
  'one more': (dir) => makeSocket(join(dir, 'f6.socket')),
  'one less': (dir) => rmSync(join(dir, 'f5.socket')),
  'another in its place': async (dir) => {
    await makeSocket(join(dir, 'new'));
    renameSync(join(dir, 'new'), join(dir, 'f5.socket'));
  },
  'a file in its place': (dir) => {
    rmSync(join(dir, 'f5.socket'));
    writeFileSync(join(dir, 'f5.socket'), 'x');
  },
};

for (const [what, change] of Object.entries(socketChanges)) {
  await t.test(`a tree whose sockets have changed is not the same: ${what}`, async (t) => {
    const tree = await fixture(t);
    await makeSocket(join(tree.dir, 'f5.socket'));
    await settle();
    await remembered(tree);
    t.ok(await unchanged(tree));
    await change(tree.dir);
    t.notOk(await unchanged(tree));
    const [after, full] = [await remembered(tree), await capture(tree.dir)];
    t.same([after.root, after.skipped], [full.root, full.skipped]);
  });
}

await t.test('a tree of very many sockets is unchanged too', async (t) => {
  const tree = await fixture(t);
  for (let at = 0; at <= LISTED_PATHS_MAX; at += 1) await makeSocket(join(tree.dir, `socket${at}`));
  await settle();
  const first = await remembered(tree);
  t.match([first.skippedCount, first.skipped.length], [LISTED_PATHS_MAX + 1, LISTED_PATHS_MAX]);
  t.ok(await unchanged(tree));
});

await t.test('a damaged cache, and one of other parameters, is none', async (t) => {
  const tree = await fixture(t);
  const { root } = await remembered(tree);
  const bytes = readFileSync(tree.cachePath);
  t.equal(CaptureCache.load(tree.cachePath, { ...SMALL_PARAMS, avgBytes: 2048 }), undefined);
  for (let at = 0; at < bytes.byteLength; at += 97) {
    writeFileSync(tree.cachePath, bytes.subarray(0, at));
    t.equal(CaptureCache.load(tree.cachePath, SMALL_PARAMS), undefined);
    const rotten = Buffer.from(bytes);
    rotten[at]! ^= 0x10;
    writeFileSync(tree.cachePath, rotten);
    t.equal(CaptureCache.load(tree.cachePath, SMALL_PARAMS), undefined);
  }
  t.equal((await remembered(tree)).root, root);
  t.ok(await unchanged(tree));
  t.same(readdirSync(join(tree.cachePath, '..')).sort(), ['cache', 'tree'], 'nothing is left aside');
});
