/** Small files that are read long after they were looked at, because another file of their bundle has changed, and that have changed meanwhile. */
import { linkSync, readFileSync, renameSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { BUNDLE_SPAN_ENTRIES_MAX, CHANGE_TIME_GRAIN_MS } from '../../../src/base/limits/trees.ts';
import type { Digest } from '../../../src/chunking/digest.ts';
import { hash } from '../../../src/chunking/hash.ts';
import { BundleQueue, type SmallFile } from '../../../src/image/bundle-queue.ts';
import { CaptureCache, CaptureCacheWriter } from '../../../src/image/capture-cache.ts';
import { changedWhileRead } from '../../../src/image/read-file.ts';
import type { CapturedBlock } from '../../../src/image/captured-block.ts';
import { TreeCapture } from '../../../src/image/tree-capture.ts';
import { treeRoot, walkTree } from '../../../src/image/walk.ts';
import type { Entry } from '../../../src/manifest/entry.ts';
import { keyFromPath } from '../../../src/manifest/key.ts';
import type { Manifest } from '../../../src/manifest/read.ts';
import { capture, manifestOf, SMALL_PARAMS, type MemoryLayer } from './layer-in-memory.ts';
import { directory, file, makeTree, noise } from './tree-spec.ts';
import { unread } from './unread.ts';

/** A tree of small files, named in the order of their keys, and what a capture of it kept. */
interface Fixture {
  readonly dir: string;
  readonly first: MemoryLayer;
  readonly cache: CaptureCache;
}

function nameOf(index: number): string {
  return `n${String(index).padStart(2, '0')}`;
}

async function fixture(base: string, sizes: readonly number[], seed = 0): Promise<Fixture> {
  const dir = join(base, 'tree');
  makeTree(dir, directory({ ...Object.fromEntries(sizes.map((size, at) => [nameOf(at), file(noise(size, 1000 * seed + at))])), sub: directory({ hard: { type: 'hardlink', to: nameOf(2) } }) }));
  await sleep(3 * CHANGE_TIME_GRAIN_MS);
  const record = new CaptureCacheWriter();
  const first = await capture(dir, SMALL_PARAMS, { record });
  const { root, stats, skipped, skippedCount } = first;
  record.save(join(base, 'cache'), SMALL_PARAMS, { root, stats, skipped, skippedCount });
  return { dir, first, cache: CaptureCache.load(join(base, 'cache'), SMALL_PARAMS) as CaptureCache };
}

interface Captured {
  readonly root: Digest;
  readonly manifest: Manifest;
  readonly chunks: ReadonlyMap<Digest, Uint8Array>;
}

/** A capture that believes the cache, with a change of the tree just after its file `index` was looked at. */
function captureWith({ dir, cache }: Fixture, index: number, change: () => void): Captured {
  const run = new TreeCapture(SMALL_PARAMS, { known: cache.reader(() => true), record: new CaptureCacheWriter() });
  const chunks = new Map<Digest, Uint8Array>();
  const nodes = new Map<Digest, Uint8Array>();
  let seenCount = 0;
  const keep = ({ kind, digest, bytes }: CapturedBlock): void => void (kind === 'chunk' ? chunks : nodes).set(digest, Uint8Array.from(bytes));
  for (const block of run.take(unread(walkTree(treeRoot(dir))))) {
    if (block !== undefined) keep(block);
    // The directory itself comes before its files.
    else if (seenCount++ === index + 1) change();
  }
  for (const block of run.finish()) keep(block);
  return { root: run.result.root, manifest: manifestOf(run.result.root, nodes), chunks };
}

/** Without directories, whose times a change of their names changes. */
async function filesOf(manifest: Manifest): Promise<Entry[]> {
  const files: Entry[] = [];
  for await (const entry of manifest.entries()) if (entry.type !== 'directory') files.push(entry);
  return files;
}

async function isAsOnDisk(t: Test, { dir, first }: Fixture, captured: Captured): Promise<void> {
  const full = await capture(dir);
  t.same(await filesOf(captured.manifest), await filesOf(full.manifest));
  for (const digest of full.chunks.keys()) t.ok(captured.chunks.has(digest) || first.chunks.has(digest));
  for (const [digest, bytes] of captured.chunks) t.equal(hash(bytes), digest);
}

/** Eight of them never fill a bundle: the changed ones are in the first one. */
const SIZES = Array.from({ length: 40 }, () => 30);
const LATE = 3;
const EDITED = 5;

const atRest: Readonly<Record<string, (path: string) => void>> = {
  'other bytes of the same length': (path) => writeFileSync(path, noise(30, 77)),
  'longer, so that the bundle ends elsewhere': (path) => writeFileSync(path, noise(500, 78)),
  shorter: (path) => truncateSync(path, 3),
  empty: (path) => truncateSync(path),
  'another file': (path) => {
    writeFileSync(join(path, '..', '..', 'aside'), noise(60, 79));
    renameSync(join(path, '..', '..', 'aside'), path);
  },
};

for (const [what, change] of Object.entries(atRest)) {
  await t.test(`it is read as it is now: ${what}`, async (t) => {
    const tree = await fixture(t.testdir(), SIZES);
    writeFileSync(join(tree.dir, nameOf(EDITED)), 'edited');
    await isAsOnDisk(t, tree, captureWith(tree, LATE, () => change(join(tree.dir, nameOf(LATE)))));
  });
}

await t.test('the first of a bundle, and several of one', async (t) => {
  const tree = await fixture(t.testdir(), SIZES);
  writeFileSync(join(tree.dir, nameOf(EDITED)), 'edited');
  await isAsOnDisk(t, tree, captureWith(tree, 4, () => {
    truncateSync(join(tree.dir, nameOf(0)));
    for (const index of [1, 4]) writeFileSync(join(tree.dir, nameOf(index)), noise(200, index));
  }));
});

const restless: Readonly<Record<string, (path: string) => void>> = {
  gone: (path) => rmSync(path),
  'a link now': (path) => {
    rmSync(path);
    symlinkSync(nameOf(EDITED), path);
  },
  'no small file any more': (path) => writeFileSync(path, noise(5000, 80)),
};

for (const [what, change] of Object.entries(restless)) {
  await t.test(`it is named, and not the file that was looked at then: ${what}`, async (t) => {
    const tree = await fixture(t.testdir(), SIZES);
    writeFileSync(join(tree.dir, nameOf(EDITED)), 'edited');
    t.throws(() => captureWith(tree, LATE, () => change(join(tree.dir, nameOf(LATE)))), { code: 'BC_TREE_CHANGED', details: { path: join(tree.dir, nameOf(LATE)) } });
  });
}

await t.test('another file in the place of one that has further names is not what they link to', async (t) => {
  const tree = await fixture(t.testdir(), SIZES);
  const path = join(tree.dir, nameOf(2));
  writeFileSync(join(tree.dir, nameOf(EDITED)), 'edited');
  const replace = (): void => {
    writeFileSync(join(tree.dir, '..', 'aside'), noise(30, 81));
    renameSync(join(tree.dir, '..', 'aside'), path);
  };
  t.throws(() => captureWith(tree, 2, replace), { code: 'BC_TREE_CHANGED', details: { path } });
});

await t.test('a further name that comes meanwhile is no other file', async (t) => {
  const tree = await fixture(t.testdir(), SIZES);
  writeFileSync(join(tree.dir, nameOf(EDITED)), 'edited');
  const captured = captureWith(tree, LATE, () => linkSync(join(tree.dir, nameOf(LATE)), join(tree.dir, '..', 'further')));
  await isAsOnDisk(t, tree, captured);
});

await t.test('in a bundle that is closed for its span', (t) => {
  const added: Entry[] = [];
  const bundles: string[] = [];
  const store = (bytes: Uint8Array): Digest => {
    bundles.push(Buffer.from(bytes).toString());
    return hash(bytes);
  };
  const queue = new BundleQueue<number>(SMALL_PARAMS, { store, reuse: () => t.fail('no bundle is as it was') }, (entry) => added.push(entry));
  const metadata = { mode: 0o644, uid: 0, gid: 0, mtimeSeconds: 0, mtimeNanos: 0 };
  const key = keyFromPath('x');
  const small = (text: string): SmallFile<number> => ({ key, metadata, sizeBytes: text.length, hit: false, read: (into) => into.set(Buffer.from(text)) });
  const changed = (): never => {
    throw changedWhileRead(Buffer.from('x'));
  };
  queue.addSmallFile({ ...small('before'), known: { digest: hash(Buffer.from('1')), chunkBytes: 9, offsetBytes: 0, lengthBytes: 6 }, read: changed, again: () => ({ item: small('now'), note: 1 }) }, 0);
  for (let at = 2; at < BUNDLE_SPAN_ENTRIES_MAX; at += 1) queue.addEntry({ type: 'directory', key, ...metadata }, 0);
  // A hit, but in a bundle that is too short to end by it.
  queue.addSmallFile({ ...small('edited'), hit: true }, 0);
  t.equal(added.length, BUNDLE_SPAN_ENTRIES_MAX);
  queue.addSmallFile(small('next'), 0);
  queue.finish();
  t.same(bundles, ['nowedited', 'next']);
  t.end();
});

await t.test('wherever bundles end', async (t) => {
  let lateCount = 0;
  for (let seed = 1; seed <= 25; seed += 1) {
    const picks = noise(64, seed);
    const tree = await fixture(t.testdir(), Array.from({ length: 60 }, (_, at) => 1 + (picks[at] as number) * 2), seed);
    const late = (picks[60] as number) % 59;
    const path = join(tree.dir, nameOf(late));
    const before = readFileSync(path);
    writeFileSync(join(tree.dir, nameOf(late + 1)), noise(1 + (picks[61] as number) * 2, seed));
    const captured = captureWith(tree, late, () => writeFileSync(path, noise(2 + (picks[62] as number) * 2, seed + 500)));
    const found = await contentsOf(captured.manifest);
    // Where it ends a bundle that is as it was, nobody read it again: the layer has it as it was when it was looked at.
    if (found[late]?.sizeBytes === before.byteLength) writeFileSync(path, before);
    else lateCount += 1;
    t.same(found, await contentsOf((await capture(tree.dir)).manifest), `seed ${seed}`);
  }
  t.ok(lateCount > 15, `${lateCount} of 25 were read late`);
});

async function contentsOf(manifest: Manifest): Promise<{ readonly name: string; readonly sizeBytes: number; readonly content: unknown }[]> {
  const files = await filesOf(manifest);
  return files.flatMap((entry) => (entry.type === 'file' ? [{ name: Buffer.from(entry.key).toString(), sizeBytes: entry.sizeBytes, content: entry.content }] : []));
}
