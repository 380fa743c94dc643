/** Answers from sets that are made already: what counts as used, and what becomes of a set that cannot be read any more. */
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { silentLog } from '../../../src/base/log.ts';
import { DeltaShelf } from '../../../src/core/delta-shelf.ts';
import { Deltas } from '../../../src/core/deltas.ts';
import { deltas as frames, fresh, keep, SET_BYTES, version } from './stored-sets.ts';
import { scratchDirectory } from '../image/scratch.ts';

const { signal } = new AbortController();
const TO = 9;
const SETS_MAX = 3;

interface Fixture {
  readonly shelf: DeltaShelf;
  readonly deltas: Deltas;
  pathOf(from: number): string;
}

async function fixture(t: Test): Promise<Fixture> {
  const dir = join(scratchDirectory(t), 'deltas');
  const shelf = await DeltaShelf.open(dir, SETS_MAX * SET_BYTES);
  // Every version is held; nothing is made here.
  const store = { has: (digests: readonly unknown[]) => digests.map(() => true), locate: () => [], readFrame: async () => undefined };
  const deltas = new Deltas({ store, shelf, log: silentLog, sequenceOf: () => undefined });
  t.teardown(() => deltas.close());
  return { shelf, deltas, pathOf: (from) => join(dir, `${version(from)}-${version(TO)}.deltas`) };
}

function answer({ deltas }: Fixture, from: number): AsyncGenerator<Uint8Array, void, undefined> {
  return deltas.answer(version(TO), [version(from)], fresh.map(({ digest }) => digest), signal);
}

async function count(frames: AsyncIterable<Uint8Array>): Promise<number> {
  let count = 0;
  for await (const _ of frames) count += 1;
  return count;
}

await t.test('a set that is answered from memory counts as used', async (t) => {
  const it = await fixture(t);
  for (const from of [1, 2, 3]) await keep(it.shelf, from, TO);
  for (const from of [1, 2, 3, 1]) t.equal(await count(answer(it, from)), frames.length);
  await keep(it.shelf, 4, TO);
  t.notOk(existsSync(it.pathOf(2)), 'the one that was not used for longest made room');
  t.ok(existsSync(it.pathOf(1)));
});

await t.test('a set in memory whose file is gone is forgotten, and the next who asks gets what is there then', async (t) => {
  const it = await fixture(t);
  await keep(it.shelf, 1, TO);
  t.equal(await count(answer(it, 1)), frames.length);
  rmSync(it.pathOf(1));
  t.equal(await count(answer(it, 1)), 0);
  t.equal(it.shelf.setCount, 0);
  await keep(it.shelf, 1, TO);
  t.equal(await count(answer(it, 1)), frames.length);
});

await t.test('who finds late that a set has rotted leaves alone what took its place', async (t) => {
  const it = await fixture(t);
  await keep(it.shelf, 1, TO);
  const bytes = readFileSync(it.pathOf(1));
  bytes[SET_BYTES - 1]! ^= 1;
  writeFileSync(it.pathOf(1), bytes);
  const late = answer(it, 1);
  t.equal((await late.next()).done, false);
  t.equal(await count(answer(it, 1)), frames.length - 1, 'the first who finds it');
  t.notOk(existsSync(it.pathOf(1)));
  await keep(it.shelf, 1, TO);
  t.equal(await count(answer(it, 1)), frames.length);
  t.equal(await count(late), frames.length - 2);
  t.ok(existsSync(it.pathOf(1)));
  t.equal(await count(answer(it, 1)), frames.length);
});
