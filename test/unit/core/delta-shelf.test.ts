import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import type { Digest } from '../../../src/chunking/digest.ts';
import { DeltaShelf } from '../../../src/core/delta-shelf.ts';
import { DeltaSet } from '../../../src/core/delta-set.ts';
import { parseDeltaHeader, type DeltaHeader } from '../../../src/delta/delta-header.ts';
import { deltas, fresh, keep, SET_BYTES, version } from './stored-sets.ts';

const { signal } = new AbortController();

async function all(set: DeltaSet | undefined): Promise<string[]> {
  const found: string[] = [];
  for await (const { delta } of set?.answer(fresh.map(({ digest }) => digest), signal) ?? []) found.push(Buffer.from(delta).toString('hex'));
  return found;
}

async function openShelf(t: Test, bytesMax = 10 * SET_BYTES): Promise<{ readonly shelf: DeltaShelf; readonly dir: string }> {
  const dir = join(t.testdir(), 'deltas');
  return { dir, shelf: await DeltaShelf.open(dir, bytesMax) };
}

await t.test('a set is read back, also after a restart', async (t) => {
  const { shelf, dir } = await openShelf(t);
  await keep(shelf, 1, 2);
  for (const one of [shelf, await DeltaShelf.open(dir, 10 * SET_BYTES)]) {
    const set = await one.load(version(1), version(2));
    t.same(await all(set), deltas.map((delta) => Buffer.from(delta).toString('hex')));
    t.equal(one.bytes, SET_BYTES);
    t.equal(await one.load(version(2), version(1)), undefined);
  }
});

await t.test('what was not used for longest makes room, in the order of use that a restart remembers', async (t) => {
  const { shelf, dir } = await openShelf(t, 3 * SET_BYTES);
  for (const from of [1, 2, 3]) await keep(shelf, from, 9);
  await shelf.load(version(1), version(9));
  await keep(shelf, 4, 9);
  t.equal(await shelf.load(version(2), version(9)), undefined, 'the oldest but the one that was used');
  t.ok(shelf.bytes <= 3 * SET_BYTES);
  // Times of files are coarse: say plainly which is older.
  [3, 1, 4].forEach((from, at) => utimesSync(join(dir, `${version(from)}-${version(9)}.deltas`), at + 1, at + 1));
  const smaller = await DeltaShelf.open(dir, 2 * SET_BYTES);
  t.equal(smaller.setCount, 2);
  t.equal(await smaller.load(version(3), version(9)), undefined);
  t.not(await smaller.load(version(1), version(9)), undefined);
});

await t.test('what a crash left is removed, and so is what is no set', async (t) => {
  const { shelf, dir } = await openShelf(t);
  const writer = await shelf.begin(version(1), version(2));
  await writer.append(deltas[0] as Uint8Array);
  await writer.close({ sync: false });
  mkdirSync(join(dir, 'a directory'));
  const again = await DeltaShelf.open(dir, 10 * SET_BYTES);
  t.same(readdirSync(dir), []);
  t.equal(again.bytes, 0);
});

await t.test('a set cut off at any byte, or with a header that rotted, is removed', async (t) => {
  const { shelf, dir } = await openShelf(t);
  await keep(shelf, 1, 2);
  const path = join(dir, `${version(1)}-${version(2)}.deltas`);
  const whole = readFileSync(path);
  const edges = new Set([8, 8 + (deltas[0] as Uint8Array).byteLength, SET_BYTES]);
  for (let length = 0; length < SET_BYTES; length += 13) {
    if (edges.has(length)) continue;
    writeFileSync(path, whole.subarray(0, length));
    const reopened = await DeltaShelf.open(dir, 10 * SET_BYTES);
    t.equal(await reopened.load(version(1), version(2)), undefined);
    t.notOk(existsSync(path));
  }
  for (const at of [0, 8, 20, 60]) {
    const bad = Buffer.from(whole);
    bad[at] = (bad[at] as number) ^ 1;
    writeFileSync(path, bad);
    const reopened = await DeltaShelf.open(dir, 10 * SET_BYTES);
    t.equal(await reopened.load(version(1), version(2)), undefined);
  }
});

await t.test('a set that is being made is read along, and its readers outlive its removal', async (t) => {
  const { shelf } = await openShelf(t);
  const writer = await shelf.begin(version(1), version(2));
  const reading = all(writer.set);
  writer.set.plan(fresh.map(({ digest }) => digest));
  for (const delta of deltas) await writer.append(delta);
  t.equal((await reading).length, deltas.length, 'ends when all that was planned has come');
  const rest = writer.set.answer([fresh[0]?.digest as Digest], signal);
  t.equal((await rest.next()).done, false);
  await shelf.discard(writer);
  t.equal((await rest.next()).done, true);
  t.same(await all(writer.set), [], 'a set that was given up brings nothing');
});

await t.test('a rotten payload is found when it is read', async (t) => {
  const { shelf, dir } = await openShelf(t);
  await keep(shelf, 1, 2);
  const path = join(dir, `${version(1)}-${version(2)}.deltas`);
  const bytes = readFileSync(path);
  bytes[SET_BYTES - 1] = (bytes[SET_BYTES - 1] as number) ^ 1;
  writeFileSync(path, bytes);
  await t.rejects(all(await shelf.load(version(1), version(2))), { code: 'BC_CHUNK_CORRUPT' });
});

await t.test('a file that is gone is said to be, but not while it may be getting its last name', async (t) => {
  const { shelf, dir } = await openShelf(t);
  await keep(shelf, 1, 2);
  const path = join(dir, `${version(1)}-${version(2)}.deltas`);
  const set = new DeltaSet(`${path}.part`);
  deltas.reduce((at, delta) => {
    set.add(parseDeltaHeader(delta) as DeltaHeader, at);
    return at + delta.byteLength;
  }, 8);
  const reading = all(set);
  await new Promise((resolve) => setImmediate(resolve));
  set.path = path;
  set.end();
  t.equal((await reading).length, deltas.length);
  rmSync(path);
  await t.rejects(all(set), { code: 'BC_CHUNK_CORRUPT' });
});
