/** Repacking through the core's API, and by itself. */
import { setTimeout } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { silentLog } from '../../../src/base/log.ts';
import { startCore } from '../../../src/core/core.ts';
import { CoreClient } from '../../../src/wan/core-client.ts';
import { uploadBlocks } from '../../../src/wan/layer-uploader.ts';
import { each, makeLayer, type TestLayer } from '../../doubles/test-core.ts';
import { prose } from '../store/chunks.ts';
import { scratchDirectory } from '../image/scratch.ts';

const DEADLINE_MS = 60_000;

async function open(t: Test, repack: 'on' | 'off'): Promise<CoreClient> {
  const core = await startCore({ dataDir: scratchDirectory(t), listen: { host: '127.0.0.1', port: 0 }, packBytesTarget: 1 << 26, deltas: 'off', deltaCacheBytes: 1 << 20, repack, repackLevel: 9, repackQuiet: 50, logLevel: 'silent' }, silentLog);
  const client = new CoreClient(core.api);
  t.teardown(async () => {
    await client.close();
    await core.close();
  });
  return client;
}

/** Files of which neighbours share half: long frames find more of that. */
const layerOf = (count: number, edited = 0): TestLayer =>
  makeLayer(Object.fromEntries(Array.from({ length: count }, (_, i) => [`file-${String(i).padStart(3, '0')}`, Buffer.concat([prose(100_000, i < edited ? i + 1000 : i), prose(100_000, i >> 3)])])));

async function publish(client: CoreClient, version: string, layer: TestLayer): Promise<void> {
  await uploadBlocks(client, each(layer.blocks), { workerCount: 1 });
  await client.commitLayer({ name: 'a', version, kind: 'base', descriptor: layer.descriptor });
}

async function settled(client: CoreClient): Promise<void> {
  for (let status = await client.repackStatus(); status.askedCount > 0 || status.state === 'running'; status = await client.repackStatus()) await setTimeout(20);
}

await t.test('asked for: the layer becomes smaller, and says so', async (t) => {
  const client = await open(t, 'off');
  await t.rejects(client.startRepack('a'), { code: 'BC_LAYER_NOT_FOUND' });
  await publish(client, '1', layerOf(40));
  t.equal((await client.resolveLayer('a'))?.repacked, undefined);
  await client.startRepack('a@1');
  await settled(client);
  const repacked = (await client.resolveLayer('a'))?.repacked;
  t.ok(repacked !== undefined && repacked.afterBytes < repacked.beforeBytes);
  t.match(await client.repackStatus(), { state: 'idle', layerCount: 1, savedBytes: (repacked?.beforeBytes ?? 0) - (repacked?.afterBytes ?? 0) });
});

await t.test('an update finds its chunks in frames of their own', async (t) => {
  const client = await open(t, 'off');
  const [first, second] = [layerOf(40), layerOf(40, 10)];
  for (const [version, layer] of [['1', first], ['2', second]] as const) {
    await publish(client, version, layer);
  }
  await client.startRepack('a');
  await settled(client);
  const known = new Set(first.chunks);
  const frames = await client.locate(second.chunks.filter((digest) => !known.has(digest)));
  t.equal(frames.reduce((sum, frame) => sum + frame.wanted.length, 0), 10);
  for (const frame of frames) t.equal(frame.wantedRawBytes, frame.rawBytes, 'nothing else is in them');
});

await t.test('by itself, when it is quiet', async (t) => {
  const client = await open(t, 'on');
  await publish(client, '1', layerOf(20));
  const startedMs = performance.now();
  while ((await client.resolveLayer('a'))?.repacked === undefined) {
    if (performance.now() - startedMs > DEADLINE_MS) throw new Error('it was not repacked');
    await setTimeout(20);
  }
  const { version } = (await client.resolveLayer('a')) ?? {};
  t.equal(version, '1');
});
