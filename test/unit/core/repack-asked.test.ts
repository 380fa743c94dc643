/** Layers that somebody asks for while the core repacks by itself, and waits for quiet: on a clock that stands still from then on. */
import { setTimeout } from 'node:timers/promises';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { silentLog } from '../../../src/base/log.ts';
import { openLevel } from '../../../src/core/open-level.ts';
import { Quiet } from '../../../src/core/quiet.ts';
import { RepackJob } from '../../../src/core/repack-job.ts';
import { RepackLedger } from '../../../src/core/repack-ledger.ts';
import { UsageLedger } from '../../../src/core/usage-ledger.ts';
import { CoreClient } from '../../../src/wan/core-client.ts';
import { uploadBlocks } from '../../../src/wan/layer-uploader.ts';
import type { PublishedLayer } from '../../../src/wan/api-messages.ts';
import { ManualClock } from '../../doubles/manual-clock.ts';
import { each, makeLayer, startTestCore } from '../../doubles/test-core.ts';
import { prose } from '../store/chunks.ts';
import { scratchDirectory } from '../image/scratch.ts';

t.setTimeout(300_000);
const QUIET_MS = 1000;
const NOT_PACKED = { restore: async () => 0, reclaim: async () => 0 };

interface Fixture {
  readonly job: RepackJob;
  readonly clock: ManualClock;
  readonly quiet: Quiet;
  /** The first to be repacked by itself is the first. */
  readonly layers: readonly PublishedLayer[];
  /** Called for each chunk that is planned. */
  onChunk(): void;
}

async function fixture(t: Test): Promise<Fixture> {
  const dir = scratchDirectory(t);
  const core = await startTestCore(join(dir, 'core'));
  const client = new CoreClient(core.url);
  for (const [seed, name] of ['a', 'b'].entries()) {
    const layer = makeLayer(Object.fromEntries(Array.from({ length: 10 }, (_, i) => [`file-${i}`, prose(100_000, 10 * seed + i)])));
    await uploadBlocks(client, each(layer.blocks), { workerCount: 1 });
    await client.commitLayer({ name, version: '1', kind: 'base', descriptor: layer.descriptor });
  }
  const { store, catalog } = core.parts;
  const db = await openLevel(join(dir, 'job'));
  const clock = new ManualClock();
  const quiet = new Quiet(clock, QUIET_MS);
  const usage = new UsageLedger(db, catalog);
  const it = {
    clock, quiet, onChunk: (): void => undefined, layers: await catalog.newest(),
    job: new RepackJob({
      store: Object.assign(store, NOT_PACKED), catalog, quiet, clock, log: silentLog, automatic: true, level: 1, ledger: new RepackLedger(db),
      usage: Object.assign(usage, { firstUse: () => it.onChunk() }),
    }),
  };
  t.teardown(async () => {
    await it.job.close();
    await client.close();
    await core.close();
    await db.close();
  });
  return it;
}

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await setTimeout(5);
}

await t.test('asked for while it waits to begin: done at once, and nothing else', async (t) => {
  const { job, layers } = await fixture(t);
  job.start();
  await until(() => job.status.state === 'waiting');
  t.equal(job.ask(layers.slice(1)).askedCount, 1);
  await until(() => job.status.askedCount === 0);
  await until(() => job.status.state === 'waiting');
  t.equal(job.status.layerCount, 1);
  t.same(layers.map((layer) => job.of(layer) !== undefined), [false, true]);
});

await t.test('asked for while another layer is repacked politely: that one is ended first, without waiting', async (t) => {
  const it = await fixture(t);
  const { job, quiet, clock, layers } = it;
  let planned = 0;
  it.onChunk = () => {
    planned += 1;
    // Somebody publishes from now on.
    if (planned === 1) quiet.begin();
  };
  job.start();
  await until(() => job.status.state === 'waiting');
  clock.advance(QUIET_MS);
  await until(() => planned > 0);
  t.same(layers.map((layer) => job.of(layer) !== undefined), [false, false]);
  t.equal(job.ask(layers.slice(1)).askedCount, 1);
  await until(() => job.status.askedCount === 0);
  t.same(layers.map((layer) => job.of(layer) !== undefined), [true, true]);
});

await t.test('the core stops while it waits', async (t) => {
  const it = await fixture(t);
  it.job.start();
  await until(() => it.job.status.state === 'waiting');
  await it.job.close();
  t.equal(it.job.status.layerCount, 0);
});
