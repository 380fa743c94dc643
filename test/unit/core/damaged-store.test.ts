/** A core whose disk is full, rots or loses bytes: it says so, serves what is sound, and is whole again after the next publish. */
import { open, readdir, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import type { Digest } from '../../../src/chunking/digest.ts';
import { decodeFrame } from '../../../src/store/frame-decode.ts';
import { openPackChunkStore, type PackChunkStore } from '../../../src/store/pack-chunk-store.ts';
import { CoreClient } from '../../../src/wan/core-client.ts';
import { CoreSource } from '../../../src/wan/core-source.ts';
import { uploadBlocks } from '../../../src/wan/layer-uploader.ts';
import type { PublishedLayer } from '../../../src/wan/api-messages.ts';
import { each, makeLayer, noiseFiles, startTestCore } from '../../doubles/test-core.ts';
import { scratchDirectory } from '../image/scratch.ts';

const layer = makeLayer(noiseFiles(60, 100_000));

interface Fixture {
  readonly store: PackChunkStore;
  readonly client: CoreClient;
  readonly packsDir: string;
  readonly setFreeBytes: (bytes: number) => void;
}

async function fixture(t: Test): Promise<Fixture> {
  const dir = scratchDirectory(t);
  let freeBytes = Number.MAX_SAFE_INTEGER;
  const store = await openPackChunkStore({ dir: join(dir, 'store'), freeBytes: async () => freeBytes });
  const core = await startTestCore(join(dir, 'catalog'), store);
  const client = new CoreClient(core.url, { backoffFirstMs: 1 });
  t.teardown(async () => {
    await client.close();
    await core.close();
  });
  return { store, client, packsDir: join(dir, 'store', 'packs'), setFreeBytes: (bytes) => (freeBytes = bytes) };
}

const publish = async (client: CoreClient): Promise<number> => {
  const { sentCount } = await uploadBlocks(client, each(layer.blocks), { workerCount: 1 });
  await client.commitLayer({ name: 'a', version: '1', kind: 'base', descriptor: layer.descriptor });
  return sentCount;
};

async function fetched(client: CoreClient): Promise<Set<Digest>> {
  const chunks = new Set<Digest>();
  const { signal } = new AbortController();
  for await (const frame of new CoreSource(client).fetchFrames(layer.chunks, { signal })) for (const { digest } of decodeFrame(frame)) chunks.add(digest);
  return chunks;
}

void t.test('a full disk', async (t) => {
  const { client, setFreeBytes } = await fixture(t);
  setFreeBytes(1_000_000);
  await t.rejects(publish(client), { code: 'BC_DISK_FULL', details: { shortfallBytes: Number } });
  t.same(await client.listLayers(), []);
  t.equal((await client.health()).ok, true);
  setFreeBytes(Number.MAX_SAFE_INTEGER);
  await publish(client);
  t.equal((await fetched(client)).size, layer.chunks.length);
});

void t.test('rot in a pack', async (t) => {
  const { store, client, packsDir } = await fixture(t);
  await publish(client);
  const [location] = store.locate([layer.chunks[20] as Digest]);
  if (location === undefined) throw new Error('not stored');
  const pack = await open(join(packsDir, `${location.packId}.pack`), 'r+');
  await pack.write(Buffer.from('rot'), 0, 3, location.offsetBytes + location.storedBytes - 1000);
  await pack.close();
  const sound = await fetched(client);
  t.ok(sound.size < layer.chunks.length && sound.size > layer.chunks.length / 2, `${sound.size} of ${layer.chunks.length} chunks came, no wrong one`);
  t.ok(store.stats().corruptCount > 0, 'the core noticed');
  const missing = await client.missing(layer.chunks);
  t.same(layer.chunks.filter((_, index) => missing[index] === true), layer.chunks.filter((digest) => !sound.has(digest)), 'and knows what it lacks');
  t.equal(await publish(client), layer.chunks.length - sound.size, 'a publish brings what is lacking, and nothing else');
  t.equal((await fetched(client)).size, layer.chunks.length);
});

void t.test('a pack that is cut off under a running core', async (t) => {
  const { client, packsDir } = await fixture(t);
  await publish(client);
  const [name = ''] = await readdir(packsDir);
  await truncate(join(packsDir, name), 3_000_000);
  const sound = await fetched(client);
  t.ok(sound.size >= 20 && sound.size < 40, `${sound.size} chunks came`);
  t.equal(await publish(client) >= layer.chunks.length - sound.size, true);
  t.equal((await fetched(client)).size, layer.chunks.length);
});

void t.test('a tree that was committed before is not believed to be there still', async (t) => {
  const { store, client, packsDir } = await fixture(t);
  await publish(client);
  const again = (version: string): Promise<PublishedLayer> => client.commitLayer({ name: 'a', version, kind: 'base', descriptor: layer.descriptor });
  const [{ sequence, publishedAt, version, ...first }] = await client.listLayers() as [PublishedLayer];
  const { sequence: laterSequence, publishedAt: laterAt, version: laterVersion, ...second } = await again('2');
  t.same(second, { ...first, newStoredBytes: 0, newStoredChunkBytes: 0 }, 'the same layer, and nothing of it is new');
  t.ok(laterSequence > sequence && laterAt >= publishedAt && laterVersion !== version);
  for (const digest of [layer.chunks[7], layer.root] as Digest[]) {
    const [location] = store.locate([digest]);
    if (location === undefined) throw new Error('not stored');
    const pack = await open(join(packsDir, `${location.packId}.pack`), 'r+');
    await pack.write(Buffer.from('rot'), 0, 3, location.offsetBytes + location.storedBytes - 50);
    await pack.close();
    await store.scrub();
    await t.rejects(again('3'), { code: 'BC_MANIFEST_INCOMPLETE' });
    await uploadBlocks(client, each(layer.blocks), { workerCount: 1 });
  }
  await again('3');
  t.equal((await client.listLayers()).length, 3);
});
