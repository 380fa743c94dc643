/** Small files that other threads read before their turn: the same entries in the same order, and bytes only of what is still as it was seen. */
import { appendFileSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { READ_AHEAD_BATCH_BYTES, READ_AHEAD_ENTRIES, READ_AHEAD_PROBES } from '../../../src/base/limits/trees.ts';
import { captureTree } from '../../../src/image/capture.ts';
import { Pace } from '../../../src/image/pace.ts';
import { readAhead, unread, type ReadEntry } from '../../../src/image/read-ahead.ts';
import { TreeCapture } from '../../../src/image/tree-capture.ts';
import { treeRoot, walkTree, type Walked } from '../../../src/image/walk.ts';
import { SMALL_PARAMS } from './layer-in-memory.ts';
import { noise } from './tree-spec.ts';

const FILES = 3 * READ_AHEAD_ENTRIES;
const { smallFileBytesMax } = SMALL_PARAMS;
const pace = new Pace(undefined);

/** Many small files in a few directories, some empty, one too large to be small. */
function manyFiles(t: Test): string {
  const dir = t.testdir();
  for (let index = 0; index < FILES; index += 1) {
    const below = join(dir, `d${index % 5}`);
    mkdirSync(below, { recursive: true });
    writeFileSync(join(below, `f${index}`), noise(index % 300, index));
  }
  writeFileSync(join(dir, 'd1', 'large'), noise(smallFileBytesMax + 1, 1));
  return dir;
}

/** Changes the tree when an entry has been looked at, before its bytes have been read. */
function* changing(dir: string, change: (walked: Walked, index: number) => void): Generator<Walked, void, undefined> {
  let index = 0;
  for (const walked of walkTree(treeRoot(dir))) {
    change(walked, index++);
    yield walked;
  }
}

/** What came, with a copy of the bytes. */
async function all(tree: Generator<Walked, void, undefined>, waitMicros = 0): Promise<ReadEntry[]> {
  const entries: ReadEntry[] = [];
  for await (const batch of readAhead(tree, { smallFileBytesMax, pace, waitMicros })) {
    for (const entry of batch) entries.push(entry.bytes === undefined ? entry : { ...entry, bytes: Uint8Array.from(entry.bytes) });
  }
  return entries;
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

await t.test('entries in the order of the walk, small files with their bytes', async (t) => {
  const dir = manyFiles(t);
  const entries = await all(walkTree(treeRoot(dir)));
  t.same(entries.map(({ path }) => path.toString()), [...walkTree(treeRoot(dir))].map(({ path }) => path.toString()));
  const isSmall = ({ stat }: Walked): boolean => stat.isFile() && stat.size > 0n && stat.size <= smallFileBytesMax;
  const read = entries.filter(({ bytes }) => bytes !== undefined);
  t.ok(read.every((entry) => isSmall(entry) && readFileSync(entry.path).equals(entry.bytes as Uint8Array)));
  t.equal(read.length, entries.filter(isSmall).length);
  t.equal(await rootAhead(dir), rootOf(dir));
});

await t.test('every entry has a time before it was looked at: a cache believes by that', async (t) => {
  const dir = manyFiles(t);
  const lookedAtMs: number[] = [];
  const entries = await all(changing(dir, () => lookedAtMs.push(Date.now())));
  t.equal(entries.length, lookedAtMs.length);
  t.ok(entries.every(({ atMs }, index) => atMs <= (lookedAtMs[index] as number)));
  t.ok([...unread(changing(dir, () => lookedAtMs.push(Date.now())))].every(({ atMs }, index) => atMs <= (lookedAtMs[entries.length + index] as number)));
});

await t.test('where nothing is waited for, only the files that tell so are read ahead', async (t) => {
  const dir = manyFiles(t);
  const entries = await all(walkTree(treeRoot(dir)), Infinity);
  const readCount = entries.filter(({ bytes }) => bytes !== undefined).length;
  t.ok(readCount > READ_AHEAD_PROBES && readCount <= Math.ceil(entries.length / READ_AHEAD_ENTRIES) * READ_AHEAD_PROBES, `${readCount}`);
  t.same(entries.map(({ path }) => path.toString()), [...walkTree(treeRoot(dir))].map(({ path }) => path.toString()));
});

await t.test('what fills the memory of a batch sooner than its entries', async (t) => {
  const dir = t.testdir();
  const sizeBytes = 32 * 1024;
  const count = Math.ceil((3 * READ_AHEAD_BATCH_BYTES) / sizeBytes);
  for (let index = 0; index < count; index += 1) writeFileSync(join(dir, `f${index}`), noise(sizeBytes, index));
  let readCount = 0;
  let entryCount = 0;
  for await (const batch of readAhead(walkTree(treeRoot(dir)), { smallFileBytesMax: sizeBytes, pace, waitMicros: 0 })) {
    for (const { path, bytes } of batch) {
      entryCount += 1;
      if (bytes === undefined) continue;
      readCount += 1;
      if (!readFileSync(path).equals(bytes)) t.fail(path.toString());
    }
  }
  t.equal(entryCount, count + 1);
  t.ok(readCount >= count - 4, `${readCount} of ${count} were read ahead`);
});

await t.test('what changes or goes before it is read is left for its turn', async (t) => {
  const dir = manyFiles(t);
  const lost: string[] = [];
  const entries = await all(changing(dir, ({ path, stat }, index) => {
    if (!stat.isFile() || index % 100 !== 0) return;
    lost.push(path.toString());
    if (index % 200 === 0) rmSync(path);
    else appendFileSync(path, 'more');
  }));
  t.ok(lost.length > 10);
  t.same(entries.filter(({ path, bytes }) => bytes !== undefined && lost.includes(path.toString())), []);
  t.equal(entries.length, FILES + 7);
});

await t.test('a name that goes during the walk is said, and nothing stays open', async (t) => {
  const dir = manyFiles(t);
  const openFiles = (): number => readdirSync('/proc/self/fd').length;
  await all(walkTree(treeRoot(dir)));
  const before = openFiles();
  await t.rejects(all(changing(dir, (_, index) => { if (index === READ_AHEAD_ENTRIES) rmSync(join(dir, 'd4'), { recursive: true }); })), { code: 'BC_TREE_CHANGED' });
  for await (const _ of readAhead(walkTree(treeRoot(dir)), { smallFileBytesMax, pace, waitMicros: 0 })) break;
  t.equal(openFiles(), before);
});
