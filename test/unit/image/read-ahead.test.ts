/** A walk and small files on a thread of their own: the same entries in the same order, and bytes only of what is still as it was seen. */
import { appendFileSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { READ_AHEAD_BATCH_BYTES, READ_AHEAD_BATCHES, READ_AHEAD_ENTRIES, READ_AHEAD_KEYS_BYTES } from '../../../src/base/limits/trees.ts';
import { PATH_BYTES_MAX } from '../../../src/base/limits/manifests.ts';
import { captureTree } from '../../../src/image/capture.ts';
import { ReadAhead } from '../../../src/image/read-ahead.ts';
import { TreeCapture } from '../../../src/image/tree-capture.ts';
import { WALK_BATCH_BYTES, WalkBatch, type ReadEntry } from '../../../src/image/walk-batch.ts';
import { listTree, treeRoot, walkTree, type Listed } from '../../../src/image/walk.ts';
import { SMALL_PARAMS } from './layer-in-memory.ts';
import { makeSocket } from './make-socket.ts';
import { noise } from './tree-spec.ts';
import { unread } from './unread.ts';

/** More than all batches hold together, so that each is used again. */
const FILES = (READ_AHEAD_BATCHES + 3) * READ_AHEAD_ENTRIES;
const { smallFileBytesMax } = SMALL_PARAMS;

/** Many small files in a few directories, some empty, one too large to be small, and one of each other kind. */
async function manyFiles(t: Test, count = FILES): Promise<string> {
  const dir = t.testdir();
  for (let index = 0; index < 5; index += 1) mkdirSync(join(dir, `d${index}`));
  for (let index = 0; index < count; index += 1) writeFileSync(join(dir, `d${index % 5}`, `f${index}`), noise(index % 300, index));
  writeFileSync(join(dir, 'd1', 'large'), noise(smallFileBytesMax + 1, 1));
  symlinkSync('elsewhere', join(dir, 'd1', 'link'));
  await makeSocket(join(dir, 'd2', 'socket'));
  return dir;
}

type Copied = Pick<ReadEntry, 'stat' | 'target' | 'atMs' | 'bytes'> & { readonly path: string };

/** What came, with a copy of the bytes. */
async function all(dir: string, { begun = false, ...options }: { readonly begun?: boolean; readonly waitMicros?: number; readonly smallFileBytesMax?: number } = {}): Promise<Copied[]> {
  const ahead = new ReadAhead(treeRoot(dir), { smallFileBytesMax, ...options });
  if (begun) ahead.begin();
  return taken(ahead);
}

async function taken(ahead: ReadAhead): Promise<Copied[]> {
  const entries: Copied[] = [];
  for await (const batch of ahead.entries()) {
    for (const { path, stat, target, atMs, bytes } of batch) entries.push({ path: path.toString(), stat, target, atMs, bytes: bytes === undefined ? undefined : Uint8Array.from(bytes) });
  }
  return entries;
}

function pathsOf(dir: string): string[] {
  return [...walkTree(treeRoot(dir))].map(({ path }) => path.toString());
}

function isSmall({ stat }: Pick<ReadEntry, 'stat'>): boolean {
  return stat.isFile() && stat.size > 0n && stat.size <= smallFileBytesMax;
}

function rootOf(dir: string): string {
  const capture = new TreeCapture(SMALL_PARAMS);
  for (const _ of capture.take(unread(walkTree(treeRoot(dir)))));
  for (const _ of capture.finish());
  return capture.result.root;
}

async function rootAhead(dir: string): Promise<string> {
  const capture = captureTree(dir, { params: SMALL_PARAMS });
  for (;;) {
    const { done, value } = await capture.next();
    if (done === true) return value.root;
  }
}

const WAYS = {
  'nothing is waited for': { waitMicros: Infinity },
  'the disk is waited for': { waitMicros: 0 },
  'begun ahead of time': { begun: true, waitMicros: Infinity },
  'begun ahead of time, the disk is waited for': { begun: true, waitMicros: 0 },
};
for (const [what, options] of Object.entries(WAYS)) {
  await t.test(`entries in the order of the walk, as they are, small files with their bytes: ${what}`, async (t) => {
    const dir = await manyFiles(t);
    const startedMs = Date.now();
    const entries = await all(dir, options);
    t.same(entries.map(({ path }) => path), pathsOf(dir));
    const walked = [...walkTree(treeRoot(dir))];
    for (const [index, { stat, target }] of walked.entries()) {
      const entry = entries[index] as Copied;
      const { ino, dev, size, mtimeNs, ctimeNs, mode, uid, gid, nlink, rdev } = stat;
      if (!t.match(entry.stat, { ino, dev, size, mtimeNs, ctimeNs, mode, uid, gid, nlink, rdev })) break;
      const kinds = (of: ReadEntry['stat']): boolean[] => [of.isFile(), of.isDirectory(), of.isSymbolicLink(), of.isFIFO(), of.isSocket(), of.isCharacterDevice(), of.isBlockDevice()];
      if (!t.same([kinds(entry.stat), entry.target?.toString()], [kinds(stat), target?.toString()])) break;
    }
    t.ok(entries.every(({ atMs }) => atMs >= startedMs && atMs <= Date.now()));
    t.same(entries.filter((entry) => (entry.bytes !== undefined) !== isSmall(entry)), []);
    t.ok(entries.every(({ path, bytes }) => bytes === undefined || readFileSync(path).equals(bytes)));
    t.equal(await rootAhead(dir), rootOf(dir));
  });
}

await t.test('of a tree that is known nothing is read', async (t) => {
  const dir = await manyFiles(t, 2 * READ_AHEAD_ENTRIES);
  const entries = await all(dir, { smallFileBytesMax: 0 });
  t.same(entries.map(({ path }) => path), pathsOf(dir));
  t.same(entries.filter(({ bytes }) => bytes !== undefined), []);
});

await t.test('a tree of one entry, and of one batch', async (t) => {
  const dir = t.testdir();
  t.same((await all(dir)).map(({ path }) => path), [treeRoot(dir).toString()]);
  for (let index = 0; index < READ_AHEAD_ENTRIES - 1; index += 1) writeFileSync(join(dir, `f${index}`), 'x');
  t.same((await all(dir)).map(({ path }) => path), pathsOf(dir));
});

await t.test('begun ahead of time: a tree of one entry, one that nobody takes, one whose thread is gone', async (t) => {
  const dir = t.testdir();
  t.same((await all(dir, { begun: true })).map(({ path }) => path), [treeRoot(dir).toString()]);

  const large = await manyFiles(t);
  const untaken = new ReadAhead(treeRoot(large), { smallFileBytesMax });
  untaken.begin();
  await untaken.close();
  t.same((await taken(untaken)).map(({ path }) => path), pathsOf(large), 'all is done here then');
});

await t.test('the walk goes on after any entry', async (t) => {
  const dir = await manyFiles(t, 40);
  mkdirSync(join(dir, 'd3', 'deep', 'er'), { recursive: true });
  writeFileSync(join(dir, 'd3', 'deep', 'er', 'file'), 'x');
  mkdirSync(join(dir, 'd3', 'empty'));
  const listed = [...listTree(treeRoot(dir))].map(({ key }) => Buffer.from(key).toString('latin1'));
  for (const [index, key] of listed.entries()) {
    const rest = [...listTree(treeRoot(dir), Buffer.from(key, 'latin1'))].map(({ key }) => Buffer.from(key).toString('latin1'));
    if (!t.same(rest, listed.slice(index + 1), `after ${JSON.stringify(key)}`)) break;
  }
});

function batchOf(dir: string, names: Iterator<Listed, void, undefined> = listTree(treeRoot(dir)), smallMax: number = smallFileBytesMax): WalkBatch {
  const batch = new WalkBatch(new SharedArrayBuffer(WALK_BATCH_BYTES), treeRoot(dir), smallMax);
  batch.list(names);
  return batch;
}

await t.test('who takes entries reads himself what nobody has, and what fits nowhere', async (t) => {
  const dir = t.testdir();
  const sizeBytes = 64 * 1024;
  const count = READ_AHEAD_BATCH_BYTES / sizeBytes + 5;
  for (let index = 0; index < count; index += 1) writeFileSync(join(dir, `f${index}`), noise(sizeBytes, index));
  for (const readCount of [0, 7, Infinity]) {
    const batch = batchOf(dir, undefined, sizeBytes);
    batch.read(readCount);
    let entryCount = 0;
    let bytesCount = 0;
    for (const { path, bytes } of batch.entries()) {
      entryCount += 1;
      if (bytes === undefined) continue;
      bytesCount += 1;
      if (!readFileSync(path).equals(bytes)) t.fail(path.toString());
    }
    t.same([entryCount, bytesCount], [count + 1, readCount === Infinity ? count - 5 : count]);
  }
});

await t.test('a batch ends before its keys do not fit', async (t) => {
  const dir = t.testdir();
  const name = 'n'.repeat(200);
  let path = dir;
  for (let depth = 0; depth < 4; depth += 1) mkdirSync((path = join(path, name)));
  for (let index = 0; index < READ_AHEAD_ENTRIES; index += 1) writeFileSync(join(path, `${name}${index}`), 'x');
  const names = listTree(treeRoot(dir));
  const seen: string[] = [];
  for (let batch = batchOf(dir, names); batch.count > 0; batch = batchOf(dir, names)) {
    const keys = [...batch.entries()].map(({ key }) => key);
    t.ok(keys.reduce((sum, key) => sum + key.byteLength, 0) <= READ_AHEAD_KEYS_BYTES);
    seen.push(...keys.map((key) => Buffer.from(key).toString('latin1')));
  }
  t.same(seen, [...listTree(treeRoot(dir))].map(({ key }) => Buffer.from(key).toString('latin1')));
  t.ok(READ_AHEAD_KEYS_BYTES >= 2 * PATH_BYTES_MAX, 'one key always fits');
});

await t.test('what changes after it was read is what it was; what goes, or becomes another, before that is said', async (t) => {
  const dir = await manyFiles(t, 20);
  const grown = join(dir, 'd1', 'f11');
  const batch = batchOf(dir);
  batch.read();
  const before = readFileSync(grown);
  appendFileSync(grown, 'more');
  const entry = [...batch.entries()].find(({ path }) => path.equals(Buffer.from(grown)));
  t.ok(entry?.bytes !== undefined && before.equals(entry.bytes));
  t.equal(entry?.stat.size, BigInt(before.byteLength));

  const gone = batchOf(dir);
  rmSync(grown);
  gone.read();
  t.throws(() => [...gone.entries()], { code: 'BC_TREE_CHANGED' });

  const other = batchOf(dir);
  renameSync(join(dir, 'd4'), join(dir, 'moved'));
  rmSync(join(dir, 'd1', 'f1'));
  mkdirSync(join(dir, 'd1', 'f1'));
  other.read();
  t.throws(() => [...other.entries()], { code: 'BC_TREE_CHANGED' });
});

await t.test('a name that goes while a thread walks is said, and nothing stays open', async (t) => {
  const dir = await manyFiles(t);
  const openFiles = (): number => readdirSync('/proc/self/fd').length;
  await all(dir);
  const before = openFiles();
  await t.rejects(async () => {
    for await (const batch of new ReadAhead(treeRoot(dir), { smallFileBytesMax }).entries()) for (const { path } of batch) if (path.toString().endsWith('d0')) rmSync(join(dir, 'd4'), { recursive: true });
  }, { code: 'BC_TREE_CHANGED' });
  for await (const _ of new ReadAhead(treeRoot(dir), { smallFileBytesMax }).entries()) break;
  t.equal(openFiles(), before);
});
