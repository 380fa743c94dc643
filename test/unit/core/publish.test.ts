/** Publishing against a core that listens on loopback: from blocks to a committed layer, and back by every way out. */
import t, { type Test } from 'tap';
import { hash } from '../../../src/chunking/hash.ts';
import { formatRoot, type Digest } from '../../../src/chunking/digest.ts';
import { decodeDescriptor, encodeDescriptor } from '../../../src/manifest/descriptor.ts';
import { decodeFrame } from '../../../src/store/frame-decode.ts';
import { CoreClient } from '../../../src/wan/core-client.ts';
import { CoreSource } from '../../../src/wan/core-source.ts';
import { uploadBlocks } from '../../../src/wan/layer-uploader.ts';
import { each, makeLayer, noiseFiles, startTestCore, type TestCore } from '../../doubles/test-core.ts';
import { scratchDirectory } from '../image/scratch.ts';

interface Fixture {
  readonly core: TestCore;
  readonly client: CoreClient;
  readonly source: CoreSource;
}

const { signal } = new AbortController();

async function fixture(t: Test, options: { readonly site?: string } = {}, dir = scratchDirectory(t)): Promise<Fixture> {
  const core = await startTestCore(dir);
  const client = new CoreClient(core.url, { backoffFirstMs: 1, ...options });
  t.teardown(async () => {
    await client.close();
    await core.close();
  });
  return { core, client, source: new CoreSource(client) };
}

async function chunksIn(frames: AsyncIterable<Uint8Array>): Promise<Map<Digest, Uint8Array>> {
  const chunks = new Map<Digest, Uint8Array>();
  for await (const frame of frames) for (const { digest, bytes } of decodeFrame(frame)) chunks.set(digest, bytes);
  return chunks;
}

void t.test('a layer goes up, is committed, and comes back whole', async (t) => {
  const { core, client, source } = await fixture(t, { site: 'berlin' });
  const layer = makeLayer({ ...noiseFiles(60, 50_000), text: Buffer.from('so '.repeat(5000)) });
  const report = await uploadBlocks(client, each(layer.blocks));
  t.equal(report.chunkCount, 61);
  t.equal(report.sentCount, layer.blocks.length);
  t.equal(report.newRawBytes, report.sentRawBytes);
  t.equal(report.newStoredBytes, report.uploadBytes);

  const published = await client.commitLayer({ name: 'base/test', version: '1', kind: 'base', descriptor: layer.descriptor });
  t.equal(published.root, layer.root);
  t.equal(published.chunkCount, 61);
  t.equal(published.chunkBytes, 60 * 50_000 + 15_000);
  t.equal(published.fileCount, 61);
  const { storedBytes } = core.parts.store.stats();
  t.ok(Math.abs(published.storedBytes - storedBytes) <= 1, 'the shares of one layer alone add up to the store');
  t.equal(published.newStoredBytes, published.storedBytes);
  t.same(await client.resolveLayer('base/test'), published);
  t.same(await client.resolveLayer('base/test@1'), published);
  t.same(await client.resolveLayer(formatRoot(layer.root)), published);
  t.equal(await client.resolveLayer('base/test@2'), undefined);

  const again = await uploadBlocks(client, each(layer.blocks));
  t.equal(again.sentCount, 0);
  t.equal(again.uploadBytes, 0);

  const nodes = new Map<Digest, Uint8Array>();
  for await (const { digest, bytes } of source.fetchManifest(layer.root, [], { signal })) nodes.set(digest, bytes);
  for (const { digest, bytes, kind } of layer.blocks) if (kind === 'node' && digest !== layer.descriptor) t.same(nodes.get(digest), bytes);
  t.equal(hash((await source.fetchBlock(layer.descriptor, { signal })) ?? new Uint8Array(0)), layer.descriptor);
  t.equal(await source.fetchBlock('0'.repeat(64) as Digest, { signal }), undefined);

  const chunks = await chunksIn(source.fetchFrames(layer.chunks, { signal }));
  t.same([...chunks.keys()].sort(), [...layer.chunks].sort());

  const { wan } = await client.site('berlin');
  t.equal(wan.chunkBytes, client.receivedBytes.chunks, 'what the core counts is what the client received');
  t.equal(wan.manifestBytes, client.receivedBytes.manifests);
  const frameBytes = report.uploadBytes;
  t.ok(wan.chunkBytes < frameBytes && wan.chunkBytes > frameBytes * 0.99, 'each chunk crossed once');
});

void t.test('the same tree under another name is counted as it was the first time, and is not new', async (t) => {
  const { client } = await fixture(t);
  // More chunks than are counted in one go, some of them in several leaves.
  const layer = makeLayer({ ...noiseFiles(1500, 300), ...Object.fromEntries(Array.from({ length: 500 }, (_, at) => [`same-${at}`, Buffer.from('one chunk for all')])) });
  await uploadBlocks(client, each(layer.blocks));
  const first = await client.commitLayer({ name: 'one', version: '1', kind: 'base', descriptor: layer.descriptor });
  const second = await client.commitLayer({ name: 'other', version: '1', kind: 'base', descriptor: layer.descriptor });
  const { chunkCount, chunkBytes, manifestNodeCount, manifestBytes, storedBytes, entryCount } = first;
  t.ok(chunkCount > 1024 && manifestNodeCount > 2);
  t.match(second, { chunkCount, chunkBytes, manifestNodeCount, manifestBytes, storedBytes, entryCount });
  t.equal(first.newStoredBytes, first.storedBytes);
  t.equal(second.newStoredBytes, 0);
  t.equal(second.newStoredChunkBytes, 0);
});

void t.test('a second version costs what is new', async (t) => {
  const { client, source } = await fixture(t);
  const files = noiseFiles(40, 30_000);
  const first = makeLayer(files);
  await uploadBlocks(client, each(first.blocks));
  const firstLayer = await client.commitLayer({ name: 'app', version: '1', kind: 'base', descriptor: first.descriptor });
  const second = makeLayer({ ...files, 'file-000007': Buffer.from('other'), zebra: Buffer.from('new') });
  const report = await uploadBlocks(client, each(second.blocks));
  t.equal(report.sentCount, second.blocks.filter(({ kind }) => kind === 'node').length + 2);
  const layer = await client.commitLayer({ name: 'app', version: '2', kind: 'base', descriptor: second.descriptor });
  t.ok(layer.newStoredBytes < layer.storedBytes / 10);
  t.ok(Math.abs(layer.newStoredBytes - report.newStoredBytes) <= 2, `${layer.newStoredBytes} counted, the store grew by ${report.newStoredBytes}`);
  t.ok(layer.storedBytes < firstLayer.storedBytes + report.newStoredBytes, 'what the new version left out is not its own');

  const blocks: Digest[] = [];
  for await (const { digest } of source.fetchManifest(second.root, [first.root], { signal })) blocks.push(digest);
  t.equal(blocks[0], second.root, 'parents first');
  t.notOk(blocks.includes(first.root));
  const nothing: Digest[] = [];
  for await (const { digest } of source.fetchManifest(second.root, [second.root], { signal })) nothing.push(digest);
  t.same(nothing, []);
  t.same(await client.listLayers({ name: 'app' }), [firstLayer, layer]);
});

void t.test('a commit is refused unless everything is there', async (t) => {
  const { client } = await fixture(t);
  const layer = makeLayer(noiseFiles(5, 1000));
  const commit = (): Promise<unknown> => client.commitLayer({ name: 'a', version: '1', kind: 'base', descriptor: layer.descriptor });
  await t.rejects(commit(), { code: 'BC_MANIFEST_INCOMPLETE', message: /descriptor/ });
  await uploadBlocks(client, each(layer.blocks.filter(({ digest }) => digest === layer.descriptor)));
  await t.rejects(commit(), { code: 'BC_MANIFEST_INCOMPLETE' });
  await uploadBlocks(client, each(layer.blocks.filter(({ kind }) => kind === 'node')));
  await t.rejects(commit(), { code: 'BC_MANIFEST_INCOMPLETE', message: /5 chunks/ });
  t.same(await client.listLayers(), []);
  await uploadBlocks(client, each(layer.blocks));
  await commit();
  const [published] = await client.listLayers();
  t.equal(published?.newStoredBytes, published?.storedBytes, 'failed commits leave no mark on what is new');
  await commit();
  t.equal((await client.listLayers()).length, 1, 'the same again is a success and no second layer');
});

void t.test('what a commit says must fit what is stored', async (t) => {
  const { client } = await fixture(t);
  const one = makeLayer({ a: Buffer.from('one') });
  const two = makeLayer({ a: Buffer.from('two') });
  await uploadBlocks(client, each([...one.blocks, ...two.blocks]));
  await client.commitLayer({ name: 'a', version: '1', kind: 'base', descriptor: one.descriptor });
  await t.rejects(client.commitLayer({ name: 'a', version: '1', kind: 'base', descriptor: two.descriptor }), { code: 'BC_LAYER_EXISTS', message: /a@1/ });
  await t.rejects(client.commitLayer({ name: 'a', version: '2', kind: 'app', descriptor: two.descriptor }), { code: 'BC_USAGE' });
  await t.rejects(client.commitLayer({ name: '../a', version: '2', kind: 'base', descriptor: two.descriptor }), { code: 'BC_USAGE' });
  await t.rejects(client.commitLayer({ name: formatRoot(two.root), version: '2', kind: 'base', descriptor: two.descriptor }), { code: 'BC_USAGE' });
  await t.rejects(client.commitLayer({ name: 'a', version: '2', kind: 'base', descriptor: two.root }), { code: 'BC_DESCRIPTOR_MALFORMED' });
});

void t.test('a descriptor that does not tell the truth about the manifest is refused', async (t) => {
  const { client } = await fixture(t);
  const layer = makeLayer(noiseFiles(5, 1000));
  const told = decodeDescriptor(layer.blocks.at(-1)?.bytes ?? new Uint8Array(0));
  await uploadBlocks(client, each(layer.blocks));
  for (const what of ['entries', 'files', 'logicalBytes', 'chunks', 'chunkBytes', 'manifestNodes', 'manifestBytes'] as const) {
    const bytes = encodeDescriptor({ ...told, [what]: told[what] + 1 });
    await uploadBlocks(client, each([{ digest: hash(bytes), bytes, kind: 'node' as const }]));
    const commit = client.commitLayer({ name: 'a', version: '1', kind: 'base', descriptor: hash(bytes) });
    await t.rejects(commit, { code: 'BC_DESCRIPTOR_MALFORMED', details: { what, said: told[what] + 1, count: told[what] } }, what);
  }
  t.same(await client.listLayers(), []);
  await client.commitLayer({ name: 'a', version: '1', kind: 'base', descriptor: layer.descriptor });
  for (const what of ['entries', 'files', 'logicalBytes', 'chunks', 'chunkBytes', 'manifestNodes', 'manifestBytes'] as const) {
    const descriptor = hash(encodeDescriptor({ ...told, [what]: told[what] + 1 }));
    await t.rejects(client.commitLayer({ name: 'a', version: '2', kind: 'base', descriptor }), { code: 'BC_DESCRIPTOR_MALFORMED', details: { what } }, `${what}, of a tree that was committed before`);
  }
  t.equal((await client.listLayers()).length, 1);
});

void t.test('frames do not depend on the number of workers', async (t) => {
  const layer = makeLayer({ ...noiseFiles(50, 90_000), text: Buffer.from('words '.repeat(9000)) });
  const packs: Uint8Array[][] = [];
  const dir = scratchDirectory(t);
  for (const workerCount of [1, 3]) {
    const { core, client } = await fixture(t, {}, `${dir}/${workerCount}`);
    await uploadBlocks(client, each(layer.blocks), { workerCount, compressionLevel: 1 });
    const frames = await client.locate(layer.chunks);
    packs.push(await Promise.all(frames.map(async (frame) => (await core.parts.store.readFrame(frame)) ?? new Uint8Array(0))));
  }
  t.ok((packs[0]?.length ?? 0) > 3);
  t.same(packs[0]?.map((frame) => hash(frame)).sort(), packs[1]?.map((frame) => hash(frame)).sort());
});

void t.test('a publish that fails ends its source and keeps what was stored', async (t) => {
  const { client } = await fixture(t);
  const layer = makeLayer(noiseFiles(40, 400_000));
  let ended = false;
  async function* torn(): AsyncGenerator<(typeof layer.blocks)[number]> {
    try {
      yield* layer.blocks.slice(0, 30);
      throw new Error('the tree changed');
    } finally {
      ended = true;
    }
  }
  await t.rejects(uploadBlocks(client, torn()), { message: 'the tree changed' });
  t.ok(ended);
  const abort = new AbortController();
  await t.rejects(uploadBlocks(client, each(layer.blocks), { signal: abort.signal, onProgress: () => abort.abort() }), { code: 'BC_CANCELLED' });
  const report = await uploadBlocks(client, each(layer.blocks));
  t.ok(report.sentCount < layer.blocks.length, `${report.sentCount} of ${layer.blocks.length} blocks had to be sent again`);
});

void t.test('callers hear of new layers', async (t) => {
  const { core, client } = await fixture(t);
  const publish = async (version: string): Promise<void> => {
    const layer = makeLayer({ a: Buffer.from(version) });
    await uploadBlocks(client, each(layer.blocks));
    await client.commitLayer({ name: 'a', version, kind: 'base', descriptor: layer.descriptor });
  };
  t.same(await client.changes(0), { layers: [], cursor: 0 });
  const waiting = client.changes(0, { waitMs: 20_000 });
  await publish('1');
  const first = await waiting;
  t.same(first.layers.map(({ version }) => version), ['1']);
  await publish('2');
  t.same((await client.changes(first.cursor, { waitMs: 20_000 })).layers.map(({ version }) => version), ['2']);
  const fromAnotherLife = await client.changes(1000, { waitMs: 20_000 });
  t.equal(fromAnotherLife.layers.length, 2, 'a cursor that cannot be starts over');
  const leaving = new AbortController();
  const left = client.changes(fromAnotherLife.cursor, { waitMs: 20_000, signal: leaving.signal });
  while (core.parts.changes.waiterCount === 0) await new Promise((resolve) => setImmediate(resolve));
  leaving.abort();
  await t.rejects(left, { code: 'BC_CANCELLED' });
  while (core.parts.changes.waiterCount > 0) await new Promise((resolve) => setImmediate(resolve));
});

void t.test('sites are who has reported in, and who has fetched', async (t) => {
  const { client, core } = await fixture(t, { site: 'paris' });
  t.same(await client.listSites(), []);
  await client.report('berlin', '12D3KooA', { role: 'reflector', version: '1', cache: { hitCount: 3 } });
  await client.report('berlin', '12D3KooB', { role: 'agent' });
  await client.report('berlin', '12D3KooA', { role: 'reflector', version: '2', cache: { hitCount: 4 } });
  const sites = await client.listSites();
  t.same(sites.map(({ name, memberCount }) => [name, memberCount]), [['berlin', 2], ['paris', 0]]);
  const berlin = await client.site('berlin');
  t.match(berlin.members.map(({ peerId, report }) => [peerId, report]), [['12D3KooA', { role: 'reflector', version: '2', cache: { hitCount: 4 } }], ['12D3KooB', { role: 'agent' }]]);
  t.ok((await client.site('paris')).wan.bytes > 0);
  await t.rejects(client.site('rome'), { code: 'BC_SITE_NOT_FOUND' });
  await t.rejects(client.report('ber/lin', '12D3KooA', { role: 'agent' }), { code: 'BC_USAGE' });
  await t.rejects(client.report('berlin', '12D3KooA', { role: 'agent', more: 'x'.repeat(20_000) }), { code: 'BC_LIMIT_EXCEEDED' });
  t.same(core.parts.sites.members('berlin')?.length, 2);
});

void t.test('health, stats, metrics and scrub', async (t) => {
  const { core, client } = await fixture(t);
  const layer = makeLayer({ a: Buffer.from('x') });
  await uploadBlocks(client, each(layer.blocks));
  await client.commitLayer({ name: 'a', version: '1', kind: 'base', descriptor: layer.descriptor });
  t.match(await client.health(), { ok: true, role: 'core', layerCount: 1, cursor: 1 });
  t.match((await client.stats()).store, { chunkCount: layer.blocks.length, corruptCount: 0 });
  t.match(await client.scrubStatus(), { state: 'never' });
  t.match(await client.startScrub(), { state: 'running' });
  let status = await client.scrubStatus();
  while (status.state === 'running') status = await client.scrubStatus();
  t.match(status, { state: 'done', chunkCount: layer.blocks.length, droppedCount: 0 });
  const { payload } = await core.app.inject('/metrics');
  t.match(payload, /branchcast_core_sent_bytes_total\{kind="other",site="",role="core"\} \d+/);
  t.match(payload, /branchcast_core_layers\{role="core"\} 1/);
});
