import t from 'tap';
import type { Digest } from '../../../src/chunking/digest.ts';
import { Catalog, takenBy } from '../../../src/core/catalog.ts';
import { openLevel } from '../../../src/core/open-level.ts';
import { UsageLedger } from '../../../src/core/usage-ledger.ts';
import type { PublishedLayer } from '../../../src/wan/api-messages.ts';

const digest = (n: number): Digest => n.toString(16).padStart(64, '0') as Digest;

function layer(name: string, version: string, sequence: number, content = sequence): PublishedLayer {
  return {
    name, version, kind: 'base', root: digest(content), descriptor: digest(1000 + content), entryCount: 1, fileCount: 0, logicalBytes: 0, chunkCount: 0,
    chunkBytes: 0, manifestNodeCount: 1, manifestBytes: 10, storedBytes: 10, newStoredBytes: 10, newStoredChunkBytes: 0, publishedAt: '2026-11-21T00:00:00.000Z', sequence,
  };
}

void t.test('layers by name, version, root and order, and all of it again after a restart', async (t) => {
  const dir = t.testdir();
  let db = await openLevel(dir);
  let catalog = await Catalog.open(db);
  t.equal(catalog.cursor, 0);
  for (const [name, version] of [['a', '1'], ['a/b', '1'], ['a', '2'], ['a', '10']] as const) await catalog.commit(layer(name, version, await catalog.takeSequence()));

  const check = async (): Promise<void> => {
    t.equal(catalog.cursor, 4);
    t.equal(catalog.layerCount, 4);
    t.equal(catalog.resolve({ name: 'a', version: undefined })?.version, '10', 'the newest is the one committed last');
    t.equal(catalog.resolve({ name: 'a', version: '2' })?.sequence, 3);
    t.equal(catalog.resolve({ root: digest(2) })?.name, 'a/b');
    t.equal(catalog.resolve({ name: 'b', version: undefined }), undefined);
    t.same((await catalog.list(0, 10)).map(({ sequence }) => sequence), [1, 2, 3, 4]);
    t.same((await catalog.list(2, 1)).map(({ sequence }) => sequence), [3]);
    t.same((await catalog.list(1, 10, 'a')).map(({ version }) => version), ['2', '10']);
    t.same(await catalog.list(0, 10, 'a/'), [], 'a beginning of a name is no name');
  };
  await check();
  await db.close();
  db = await openLevel(dir);
  catalog = await Catalog.open(db);
  await check();
  t.equal(await catalog.takeSequence(), 5);
  await db.close();
});

void t.test('a name and version keep their content', async (t) => {
  const db = await openLevel(t.testdir());
  const catalog = await Catalog.open(db);
  await catalog.commit(layer('a', '1', await catalog.takeSequence()));
  t.equal(takenBy(catalog, { name: 'a', version: '1', descriptor: digest(1001) })?.sequence, 1);
  t.throws(() => takenBy(catalog, { name: 'a', version: '1', descriptor: digest(9) }), { code: 'BC_LAYER_EXISTS', message: /a@1/ });
  t.equal(takenBy(catalog, { name: 'a', version: '2', descriptor: digest(9) }), undefined);
  await db.close();
});

void t.test('a database is opened by one process at a time', async (t) => {
  const dir = t.testdir();
  const db = await openLevel(dir);
  await t.rejects(openLevel(dir), { code: 'BC_STORE_LOCKED' });
  await db.close();
});

void t.test('the ledger tells new from shared, and a failed commit leaves no mark', async (t) => {
  const dir = t.testdir();
  let db = await openLevel(dir);
  let catalog = await Catalog.open(db);
  let ledger = new UsageLedger(db, catalog);
  const first = await catalog.takeSequence();
  t.same(await ledger.note([digest(1), digest(2), digest(1)], first), ['new', 'new', 'again']);
  t.same(await ledger.note([digest(2), digest(3)], first), ['again', 'new']);
  // That commit fails; another process's worth of time passes.
  await db.close();
  db = await openLevel(dir);
  catalog = await Catalog.open(db);
  ledger = new UsageLedger(db, catalog);
  const second = await catalog.takeSequence();
  t.equal(second, first + 1, 'a number is not given out twice');
  t.same(await ledger.note([digest(1), digest(3)], second), ['new', 'new']);
  await catalog.commit(layer('a', '1', second));
  const third = await catalog.takeSequence();
  t.same(await ledger.note([digest(1), digest(2), digest(1)], third), ['shared', 'new', 'again']);
  await catalog.commit(layer('a', '2', third));
  const fourth = await catalog.takeSequence();
  t.same(await ledger.note([digest(1), digest(2), digest(4)], fourth), ['shared', 'shared', 'new']);
  await db.close();
});
