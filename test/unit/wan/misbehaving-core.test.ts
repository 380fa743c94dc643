/** The client against a core, a proxy or a line that does not do what it should: it completes, or it fails with the right word. Never a wrong byte. */
import t, { type Test } from 'tap';
import { hasCode } from '../../../src/base/errors.ts';
import type { Digest } from '../../../src/chunking/digest.ts';
import { decodeFrame } from '../../../src/store/frame-decode.ts';
import { CoreClient } from '../../../src/wan/core-client.ts';
import { CoreSource } from '../../../src/wan/core-source.ts';
import { uploadBlocks } from '../../../src/wan/layer-uploader.ts';
import { startTamperingCore, type Spoil, type TamperingCore } from '../../doubles/tampering-core.ts';
import { each, makeLayer, noiseFiles, startTestCore, type TestCore } from '../../doubles/test-core.ts';
import { scratchDirectory } from '../image/scratch.ts';

const { signal } = new AbortController();
/** About 4 frames, each its own pack in memory. */
const layer = makeLayer(noiseFiles(60, 60_000));
let core: TestCore;

t.before(async () => {
  core = await startTestCore(scratchDirectory(t));
  const client = new CoreClient(core.url);
  await uploadBlocks(client, each(layer.blocks), { workerCount: 1 });
  await client.commitLayer({ name: 'a', version: '1', kind: 'base', descriptor: layer.descriptor });
  await client.close();
});
t.teardown(() => core.close());

interface Fixture {
  readonly tampering: TamperingCore;
  readonly client: CoreClient;
  readonly source: CoreSource;
}

async function fixture(t: Test, spoil: (route: string, count: number) => Spoil | undefined): Promise<Fixture> {
  const tampering = await startTamperingCore(core, spoil);
  const client = new CoreClient(tampering.url, { backoffFirstMs: 1, stallTimeoutMs: 300, retriesMax: 3 });
  t.teardown(async () => {
    await client.close();
    await tampering.close();
  });
  return { tampering, client, source: new CoreSource(client) };
}

async function fetchAll(source: CoreSource): Promise<{ readonly chunks: Set<Digest>; readonly frameCount: number }> {
  const chunks = new Set<Digest>();
  let frameCount = 0;
  for await (const frame of source.fetchFrames(layer.chunks, { signal })) {
    frameCount += 1;
    for (const { digest } of decodeFrame(frame)) chunks.add(digest);
  }
  return { chunks, frameCount };
}

for (const how of ['close', 'cut', 'stall', 'silence', 'flip', 'short', 'short-chunked', 'long', 'whole', 'html-502', 'busy', 'not-http', 'empty', 'drip'] as const) {
  void t.test(`ranges: ${how}, now and then`, async (t) => {
    const { source } = await fixture(t, (route, count) => (route === 'GET /v1/packs' && count % 3 === 0 ? how : undefined));
    const { chunks } = await fetchAll(source);
    t.equal(chunks.size, layer.chunks.length);
  });
}

for (const how of ['flip', 'cut', 'short', 'whole'] as const) {
  void t.test(`ranges: always ${how}, so chunks are asked for by themselves`, async (t) => {
    const { source, tampering } = await fixture(t, (route) => (route === 'GET /v1/packs' ? how : undefined));
    const { chunks } = await fetchAll(source);
    t.equal(chunks.size, layer.chunks.length);
    t.ok(tampering.requests.some((request) => request === 'POST /v1/chunks'));
  });
}

void t.test('a pack that is gone is asked for as chunks', async (t) => {
  const { source, client } = await fixture(t, () => undefined);
  const frames = await client.locate(layer.chunks);
  t.ok(frames.length > 1);
  client.locate = async () => frames.map((frame, index) => ({ ...frame, packId: `nosuch${String(index).padStart(3, '0')}` }));
  const { chunks } = await fetchAll(source);
  t.equal(chunks.size, layer.chunks.length);
});

for (const how of ['flip', 'cut'] as const) {
  void t.test(`everything is always ${how}: an error, and no wrong byte`, async (t) => {
    const { source } = await fixture(t, (route) => (route === 'GET /v1/packs' || route === 'POST /v1/chunks' ? how : undefined));
    const error = await fetchAll(source).catch((thrown: unknown) => thrown);
    t.ok(hasCode(error, how === 'flip' ? 'BC_FRAME_MALFORMED' : 'BC_CONNECTION_LOST'), String(error));
  });
}

void t.test('a core that stays silent is a timeout; one that is gone is unreachable', async (t) => {
  const { client, tampering } = await fixture(t, () => 'silence');
  await t.rejects(client.resolveLayer('a'), { code: 'BC_TIMEOUT', message: new RegExp(tampering.url) });
  await tampering.close();
  await t.rejects(client.resolveLayer('a'), { code: 'BC_CORE_UNREACHABLE', message: new RegExp(tampering.url) });
  await t.rejects(client.health(), { code: 'BC_CORE_UNREACHABLE' });
});

for (const how of ['close', 'cut', 'stall', 'html-502', 'busy'] as const) {
  void t.test(`small answers: ${how} once is tried again`, async (t) => {
    const { client, tampering } = await fixture(t, (_route, count) => (count === 0 ? how : undefined));
    t.equal((await client.resolveLayer('a'))?.root, layer.root);
    t.equal(tampering.requests.length, 2);
    t.same(await client.missing(layer.chunks), layer.chunks.map(() => false));
  });
}

for (const how of ['flip', 'short', 'empty', 'not-http'] as const) {
  void t.test(`small answers: ${how} is refused`, async (t) => {
    const { client } = await fixture(t, () => how);
    await t.rejects(client.resolveLayer('a'), { code: 'BC_PROTOCOL' });
    if (how !== 'flip') await t.rejects(client.missing(layer.chunks), { code: 'BC_PROTOCOL' });
    if (how !== 'flip') await t.rejects(client.locate(layer.chunks), { code: 'BC_PROTOCOL' });
  });
}

for (const how of ['close', 'cut', 'stall', 'busy', 'drip'] as const) {
  void t.test(`manifests: ${how} once is followed by the rest, each block once`, async (t) => {
    const { source } = await fixture(t, (route, count) => (route === 'GET /v1/manifests' && count === 0 ? how : undefined));
    const digests: Digest[] = [];
    for await (const { digest } of source.fetchManifest(layer.root, [], { signal })) digests.push(digest);
    t.equal(new Set(digests).size, digests.length);
    t.same(digests.sort(), layer.blocks.filter(({ kind, digest }) => kind === 'node' && digest !== layer.descriptor).map(({ digest }) => digest).sort());
  });
}

for (const how of ['flip', 'short', 'empty'] as const) {
  void t.test(`manifests: ${how} is refused`, async (t) => {
    const { source } = await fixture(t, () => how);
    const drained = (async () => {
      for await (const _ of source.fetchManifest(layer.root, [], { signal }));
    })();
    const error = await drained.catch((thrown: unknown) => thrown);
    t.ok(['BC_PROTOCOL', 'BC_CHUNK_CORRUPT', 'BC_CONNECTION_LOST'].some((code) => hasCode(error, code as 'BC_PROTOCOL')), String(error));
  });
}

void t.test('a consumer that leaves frees what was under way', async (t) => {
  const { source, client } = await fixture(t, () => undefined);
  for (let time = 0; time < 20; time += 1) {
    for await (const _ of source.fetchFrames(layer.chunks, { signal })) break;
  }
  t.equal((await fetchAll(source)).chunks.size, layer.chunks.length);
  t.equal((await client.health()).ok, true);
});

void t.test('a signal ends a fetch that waits', async (t) => {
  const { source } = await fixture(t, (route) => (route === 'GET /v1/packs' ? 'stall' : undefined));
  const abort = new AbortController();
  const frames = source.fetchFrames(layer.chunks, { signal: abort.signal });
  const first = frames.next();
  setTimeout(() => abort.abort(), 20);
  await t.rejects(first.then(async () => { for await (const _ of frames); }), { code: 'BC_CANCELLED' });
});

void t.test('fetches that run together share the frames that both want', async (t) => {
  const { source, client } = await fixture(t, () => undefined);
  const before = client.receivedBytes.chunks;
  const third = Math.ceil(layer.chunks.length / 3);
  const parts = [0, 1, 2].map((part) => layer.chunks.slice(part * third - (part === 0 ? 0 : 4), (part + 1) * third));
  const got = await Promise.all(parts.map(async (part) => {
    const chunks = new Set<Digest>();
    for await (const frame of source.fetchFrames(part, { signal })) for (const { digest } of decodeFrame(frame)) chunks.add(digest);
    return part.every((digest) => chunks.has(digest));
  }));
  t.same(got, [true, true, true]);
  const { storedBytes } = core.parts.store.stats();
  t.ok(client.receivedBytes.chunks - before <= storedBytes, `${client.receivedBytes.chunks - before} bytes for a store of ${storedBytes}`);
});
