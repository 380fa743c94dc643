import { appendFileSync, chmodSync, linkSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import t from 'tap';
import { hasCode } from '../../../src/base/errors.ts';
import { BUNDLE_SPAN_ENTRIES_MAX } from '../../../src/base/limits/trees.ts';
import { BundleQueue, type SmallFile } from '../../../src/image/bundle-queue.ts';
import { captureTree } from '../../../src/image/capture.ts';
import { makeDevice } from '../../../src/image/posix.ts';
import { hash } from '../../../src/chunking/hash.ts';
import type { Entry } from '../../../src/manifest/entry.ts';
import { keyFromPath } from '../../../src/manifest/key.ts';
import { runScript } from './as-user.ts';
import { capture, SMALL_PARAMS } from './layer-in-memory.ts';
import { below, directory, file, makeTree, noise } from './tree-spec.ts';

async function entriesOf(dir: string): Promise<Entry[]> {
  const layer = await capture(dir);
  const entries: Entry[] = [];
  for await (const entry of layer.manifest.entries()) entries.push(entry);
  return entries;
}

void t.test('every type of entry, and names and targets that are bytes', async (t) => {
  const dir = join(t.testdir(), 'tree');
  makeTree(dir, directory({ empty: file(''), '\xff\xfe': file('x', { mode: 0o4751, mtime: [-2, 999_999_999] }), link: { type: 'symlink', target: '../\xff' }, pipe: { type: 'fifo' }, sub: directory({}) }));
  const entries = await entriesOf(dir);
  const [root, empty, link, pipe, sub, bytes] = entries;
  t.same(entries.map(({ type }) => type), ['directory', 'file', 'symlink', 'fifo', 'directory', 'file']);
  t.equal(root?.key.byteLength, 0);
  t.match(empty, { sizeBytes: 0, content: { pieces: [] } });
  t.same(link?.type === 'symlink' && Buffer.from(link.target), Buffer.from('../\xff', 'latin1'));
  t.ok(pipe);
  t.ok(sub);
  t.same(Buffer.from(bytes?.key ?? []), Buffer.from([0xff, 0xfe]));
  t.match(bytes, { mode: 0o4751, mtimeSeconds: -2, mtimeNanos: 999_999_999 });
});

void t.test('keys are in component order, which is not the order of whole paths', async (t) => {
  const dir = join(t.testdir(), 'tree');
  makeTree(dir, directory({ 'a-b': file('1'), a: directory({ z: file('2') }), 'a b': file('3'), B: file('4') }));
  t.same((await entriesOf(dir)).map(({ key }) => Buffer.from(key).toString().replaceAll('\0', '/')), ['', 'B', 'a', 'a/z', 'a b', 'a-b']);
});

void t.test('the same tree gives the same root and the same counts, wherever it stands', async (t) => {
  const base = t.testdir();
  const spec = directory({ small: file('abc'), large: file(noise(40_000, 1)), again: file(noise(40_000, 1)), sub: directory({ hard: { type: 'hardlink', to: 'small' } }) });
  makeTree(join(base, 'one'), spec);
  makeTree(join(base, 'two'), spec);
  const [one, two] = [await capture(join(base, 'one')), await capture(join(base, 'two'))];
  t.equal(one.root, two.root);
  t.same(one.stats, two.stats);
  t.equal(one.stats.fileCount, 3, 'a further name is no further file');
  t.equal(one.stats.logicalBytes, 80_003);
  t.equal(one.stats.chunkCount, one.chunks.size);
  t.equal(one.stats.chunkBytes, [...one.chunks.values()].reduce((sum, { byteLength }) => sum + byteLength, 0), 'equal files share their chunks');
  t.ok(one.stats.chunkBytes < 41_000);
  for (const [digest, bytes] of [...one.chunks, ...one.nodes]) t.equal(hash(bytes), digest);
});

void t.test('small files share chunks: their number follows the bytes', async (t) => {
  const dir = join(t.testdir(), 'tree');
  makeTree(dir, directory(Object.fromEntries(Array.from({ length: 200 }, (_, at) => [`f${at}`, file(noise(50, at))]))));
  const layer = await capture(dir);
  t.ok(layer.stats.chunkCount < 25, `${layer.stats.chunkCount} chunks for 200 files of 50 bytes`);
});

void t.test('a bundle that no file ends is closed after so many entries', (t) => {
  const added: Entry[] = [];
  const bundles: number[] = [];
  const queue = new BundleQueue(
    SMALL_PARAMS,
    {
      store: (bytes) => {
        bundles.push(bytes.byteLength);
        return hash(bytes);
      },
      reuse: () => t.fail('nothing is known of an earlier capture'),
    },
    (entry) => added.push(entry),
  );
  const metadata = { mode: 0o644, uid: 0, gid: 0, mtimeSeconds: 0, mtimeNanos: 0 };
  const key = keyFromPath('x');
  const small = (text: string): SmallFile => ({ key, metadata, sizeBytes: text.length, hit: false, read: (into) => into.set(Buffer.from(text)) });
  queue.addSmallFile(small('abc'), undefined);
  for (let at = 1; at < BUNDLE_SPAN_ENTRIES_MAX; at += 1) {
    if (at === BUNDLE_SPAN_ENTRIES_MAX - 1) t.equal(added.length, 0, 'all wait for the digest');
    queue.addEntry({ type: 'directory', key, ...metadata }, undefined);
  }
  t.equal(added.length, BUNDLE_SPAN_ENTRIES_MAX);
  t.same(bundles, [3]);
  queue.addSmallFile(small('de'), undefined);
  queue.finish();
  t.same(bundles, [3, 2]);
  t.end();
});

void t.test('sockets are left out and said to be', async (t) => {
  const dir = t.testdir({ file: 'x' });
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(join(dir, 'socket'), resolve));
  const layer = await capture(dir);
  server.close();
  t.equal(layer.skippedCount, 1);
  t.match(layer.skipped, [{ path: 'socket', reason: /socket/ }]);
  t.equal(layer.stats.entryCount, 2);
});

void t.test('device nodes', { skip: process.getuid?.() === 0 ? false : 'only root makes them' }, async (t) => {
  const dir = t.testdir({});
  makeDevice(Buffer.from(join(dir, 'null')), 'char-device', 1, 3);
  makeDevice(Buffer.from(join(dir, 'disk')), 'block-device', 259, 65_793);
  t.match((await entriesOf(dir)).slice(1), [
    { type: 'block-device', major: 259, minor: 65_793 },
    { type: 'char-device', major: 1, minor: 3 },
  ]);
});

void t.test('a file that changes while it is read is named, if it does not come to rest', async (t) => {
  const dir = t.testdir();
  writeFileSync(join(dir, 'log'), noise(200_000, 1));
  const changeAll = async (times: number): Promise<unknown> => {
    let left = times;
    for await (const block of captureTree(dir, { params: SMALL_PARAMS })) {
      if (block.kind === 'chunk' && left > 0) {
        left -= 1;
        appendFileSync(join(dir, 'log'), 'more');
      }
    }
    return left;
  };
  t.equal(await changeAll(1), 0, 'a change during the first reading: it is read again');
  await t.rejects(changeAll(1000), { code: 'BC_TREE_CHANGED', message: /log changed while it was read/ });
});

void t.test('chunks of an attempt that failed are not the layer\'s', async (t) => {
  const dir = t.testdir();
  writeFileSync(join(dir, 'log'), noise(50_000, 1));
  const blocks = captureTree(dir, { params: SMALL_PARAMS });
  let isChanged = false;
  for (;;) {
    const step = await blocks.next();
    if (step.done === true) {
      t.same(step.value.stats, (await capture(dir)).stats);
      break;
    }
    if (!isChanged) writeFileSync(join(dir, 'log'), noise(50_000, 2));
    isChanged = true;
  }
});

void t.test('what cannot be read is named', async (t) => {
  await t.rejects(capture(join(t.testdir(), 'nowhere')), { code: 'BC_TREE_UNREADABLE', message: /nowhere/ });
  await t.rejects(capture(join(t.testdir({ file: 'x' }), 'file')), { code: 'BC_TREE_UNREADABLE', message: /not a directory/ });
});

void t.test('what this user may not read is named', { skip: process.getuid?.() === 0 && process.seteuid !== undefined ? false : 'needs root, to be somebody else' }, async (t) => {
  const dir = t.testdir({ tree: { open: 'x', secret: 'y' } });
  chmodSync(join(dir, 'tree', 'secret'), 0o600);
  const said = runScript(
    `import { captureTree } from '#src/image/capture.ts';
    try { for await (const _ of captureTree('tree')) {} } catch (error) { console.log(error.code, error.message); }`,
    { uid: 65_534, cwd: dir },
  );
  t.match(said, /BC_TREE_UNREADABLE .*secret cannot be read \(EACCES\)/);
});

void t.test('links are recorded and never followed; the directory itself may be one', async (t) => {
  const base = t.testdir({ outside: { file: 'x' }, tree: {} });
  symlinkSync('../outside', join(base, 'tree', 'out'));
  symlinkSync('tree', join(base, 'alias'));
  const layer = await capture(join(base, 'alias'));
  t.equal(layer.root, (await capture(join(base, 'tree'))).root);
  t.equal(layer.stats.entryCount, 2);
});

void t.test('further names of a link are links, not hard links', async (t) => {
  const dir = t.testdir({});
  symlinkSync('x', join(dir, 'a'));
  linkSync(join(dir, 'a'), join(dir, 'b'));
  t.same((await entriesOf(dir)).map(({ type }) => type), ['directory', 'symlink', 'symlink']);
});

void t.test('it can be broken off, and lets go of its files', async (t) => {
  const dir = t.testdir();
  writeFileSync(join(dir, 'large'), noise(100_000, 1));
  const openFiles = (): number => readdirSync('/proc/self/fd').length;
  const before = openFiles();
  for await (const _ of captureTree(dir, { params: SMALL_PARAMS })) break;
  t.equal(openFiles(), before);
  const abort = new AbortController();
  const cancelled = async (): Promise<void> => {
    for await (const _ of captureTree(dir, { params: SMALL_PARAMS, signal: abort.signal })) abort.abort();
  };
  await t.rejects(cancelled(), { code: 'BC_CANCELLED' });
  t.equal(openFiles(), before);
});

void t.test('parameters out of bounds', async (t) => {
  const dir = t.testdir({});
  try {
    await capture(dir, { ...SMALL_PARAMS, minBytes: 1 });
    t.fail('it was accepted');
  } catch (error) {
    t.ok(hasCode(error, 'BC_CONFIG_INVALID'));
  }
});

void t.test('deep trees', async (t) => {
  const dir = t.testdir({});
  let path: Buffer = Buffer.from(dir);
  for (let depth = 0; depth < 300; depth += 1) {
    path = below(path, 'deep');
    mkdirSync(path);
  }
  t.equal((await capture(dir)).stats.entryCount, 301);
});
