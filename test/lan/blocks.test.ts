/** A reflector's server and an endpoint's source, against each other over loopback. */
import t, { type Test } from 'tap';
import { BranchcastError } from '../../src/base/errors.ts';
import { LAN_WANT_DIGESTS_MAX } from '../../src/base/limits/lan.ts';
import { silentLog } from '../../src/base/log.ts';
import { MiB } from '../../src/base/units.ts';
import { hash } from '../../src/chunking/hash.ts';
import { parseFrameHeader } from '../../src/store/frame-header.ts';
import { encodeFrame } from '../../src/store/frame-encode.ts';
import { BLOCKS_PROTOCOL, decodeReply, encodeRequest } from '../../src/swarm/block-messages.ts';
import type { BlockProvider } from '../../src/swarm/block-provider.ts';
import { serveBlocks, type ServeBlocksOptions } from '../../src/swarm/block-server.ts';
import type { LanHost } from '../../src/swarm/lan-host.ts';
import { LanSource } from '../../src/swarm/lan-source.ts';
import { addressOf, collect, LOOPBACK, madeChunks, patience, providerOf, settled, startHost, until, type HostOptions } from './branch.ts';

interface Pair {
  readonly server: LanHost;
  readonly client: LanHost;
  readonly source: LanSource;
}

async function pair(t: Test, provider: BlockProvider, serve: Partial<ServeBlocksOptions> = {}, clientOptions: HostOptions = {}): Promise<Pair> {
  const server = await startHost(t, { listen: [LOOPBACK] });
  await serveBlocks(server, provider, { log: silentLog, ...serve });
  const client = await startHost(t, clientOptions);
  const source = new LanSource(client, [addressOf(server)], { log: silentLog });
  t.teardown(() => source.close());
  return { server, client, source };
}

const absent = hash(Buffer.from('nobody has this'));

await t.test('layers, manifests, blocks and frames', async (t) => {
  const chunks = madeChunks(30, 40_000);
  const digests = chunks.map(({ digest }) => digest);
  const served: [string, number][] = [];
  const { client, source } = await pair(t, providerOf(chunks), { onServed: (peerId, bytes) => served.push([peerId, bytes]) });
  const signal = patience();

  t.match(await source.resolveLayer('base/debian@1', { signal }), { name: 'base/debian', version: '1', root: digests[0], descriptor: digests[1] });
  t.equal(await source.resolveLayer('base/other', { signal }), undefined);
  t.same(await source.fetchBlock(digests[7] ?? absent, { signal }), Buffer.from(chunks[7]?.bytes ?? []));
  t.equal(await source.fetchBlock(absent, { signal }), undefined);

  const blocks = await collect(source.fetchManifest(absent, digests.slice(20), { signal }));
  t.same(blocks.map(({ digest }) => digest), digests.slice(0, 20), 'nodes in their order, without those that `have` names');
  t.same(blocks.map(({ bytes }) => hash(bytes)), digests.slice(0, 20));

  served.length = 0;
  const before = source.receivedFrameBytes;
  const frames = await collect(source.fetchFrames([...digests, absent, ...digests.slice(0, 3)], { signal }));
  t.same(frames, chunks.map(({ frame }) => Buffer.from(frame)), 'each wanted chunk once; what is missing is left out');
  const frameBytes = chunks.reduce((sum, { frame }) => sum + frame.byteLength, 0);
  t.equal(source.receivedFrameBytes - before, frameBytes);
  t.same(served, chunks.map(({ frame }) => [client.peerId, frame.byteLength]), 'the server counts the same, by peer');
  t.same(await collect(source.fetchFrames([], { signal })), []);
  t.same(await collect(source.fetchFrames([absent], { signal })), []);
});

await t.test('a long list is split into wants, sent ahead; a chunk that came along is not asked for again', async (t) => {
  const bytes = Array.from({ length: LAN_WANT_DIGESTS_MAX * 3 + 10 }, (_, index) => Buffer.from(`chunk ${index}`));
  const chunks = bytes.map((bytes) => ({ digest: hash(bytes), bytes }));
  const byDigest = new Map(chunks.map((chunk) => [chunk.digest, chunk]));
  const asked: number[] = [];
  const { source } = await pair(t, {
    ...providerOf([]),
    async *frames(digests) {
      asked.push(digests.length);
      // Everything that the first want asks for, and the last ten chunks with it.
      const frame = [...digests.map((digest) => byDigest.get(digest) ?? { digest, bytes: Buffer.alloc(0) }), ...(asked.length === 1 ? chunks.slice(-10) : [])];
      yield encodeFrame(frame);
    },
  });
  const frames = await collect(source.fetchFrames(chunks.map(({ digest }) => digest), { signal: patience() }));
  t.same(asked, [LAN_WANT_DIGESTS_MAX, LAN_WANT_DIGESTS_MAX, LAN_WANT_DIGESTS_MAX], 'the fourth want was not needed');
  t.same(new Set(frames.flatMap((frame) => parseFrameHeader(frame)?.chunks.map(({ digest }) => digest) ?? [])), new Set(chunks.map(({ digest }) => digest)));
});

await t.test('the consumer sets the pace, and calls do not hold up each other', async (t) => {
  const chunks = madeChunks(40, MiB - 1000);
  const digests = chunks.map(({ digest }) => digest);
  let servedCount = 0;
  const { source } = await pair(t, providerOf(chunks), { onServed: () => (servedCount += 1) });
  const slow = source.fetchFrames(digests, { signal: patience() });
  await slow.next();
  const ahead = await settled(() => servedCount);
  t.ok(ahead < 10, `${ahead} of 40 frames were sent to a consumer that took one`);
  const others = await Promise.all(Array.from({ length: 20 }, () => collect(source.fetchFrames(digests.slice(0, 2), { signal: patience() }))));
  t.ok(others.every((frames) => frames.length === 2), '20 calls beside it, more than there are streams at a time');
  t.equal((await collect(slow)).length, 39, 'and it gets the rest');
});

await t.test('a consumer that leaves, or cancels, frees the server', async (t) => {
  const chunks = madeChunks(40, MiB - 1000);
  const digests = chunks.map(({ digest }) => digest);
  let running = 0;
  const aborted: unknown[] = [];
  const provider: BlockProvider = {
    ...providerOf(chunks),
    async *frames(digests, signal) {
      running += 1;
      signal.addEventListener('abort', () => aborted.push(signal.reason), { once: true });
      try {
        yield* providerOf(chunks).frames(digests, signal);
        // As if the rest had to come over the WAN.
        await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true }));
      } finally {
        running -= 1;
      }
    },
  };
  const { source } = await pair(t, provider);

  for await (const frame of source.fetchFrames(digests, { signal: patience() })) {
    t.ok(frame.byteLength > MiB / 2);
    break;
  }
  await until(() => running === 0);
  t.equal(aborted.length, 1, 'a consumer that leaves while frames flow');

  const stop = new AbortController();
  const taken: number[] = [];
  const fetching = (async () => {
    for await (const frame of source.fetchFrames([...digests.slice(0, 3), absent], { signal: stop.signal })) taken.push(frame.byteLength);
  })();
  await until(() => taken.length === 3 && running === 1);
  stop.abort(new BranchcastError('BC_CANCELLED', 'the user said so'));
  await t.rejects(fetching, { code: 'BC_CANCELLED', message: 'the user said so' });
  await until(() => running === 0);
  t.equal(aborted.length, 2, 'a consumer that cancels while the server waits');

  const closing = collect(source.fetchFrames([absent], { signal: patience() }));
  await until(() => running === 1);
  await source.close();
  await t.rejects(closing, { code: 'BC_CANCELLED' });
  await until(() => running === 0);
  t.pass('a source that is closed');
  await t.rejects(source.resolveLayer('base/debian@1', { signal: patience() }), { code: 'BC_CANCELLED' });
});

await t.test('a request can be cancelled alone; the stream goes on', async (t) => {
  const [chunk = { digest: absent, frame: Buffer.of() }] = madeChunks(1, 1000);
  const { server, client } = await pair(t, {
    ...providerOf([]),
    async *frames(digests, signal) {
      if (digests[0] === absent) await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
      else yield chunk.frame;
    },
  });
  const stream = await client.dial(addressOf(server), BLOCKS_PROTOCOL, { signal: patience() });
  for (const requestId of [1, 2]) await stream.send(encodeRequest({ type: 'want', requestId, digests: [absent] }));
  await stream.send(encodeRequest({ type: 'want', requestId: 3, digests: [chunk.digest] }));
  for (const requestId of [2, 99, 1]) await stream.send(encodeRequest({ type: 'cancel', requestId }));
  const replies = [];
  for (let count = 0; count < 4; count += 1) replies.push(decodeReply((await stream.receive()) ?? Buffer.of()));
  t.match(replies, [{ requestId: 1, code: 'BC_CANCELLED' }, { requestId: 2, code: 'BC_CANCELLED' }, { requestId: 3, type: 'frame' }, { requestId: 3, type: 'end' }]);
  await stream.close();
});

await t.test('what goes wrong at the server arrives with its code and pause', async (t) => {
  const { source } = await pair(t, {
    async resolveLayer() {
      throw new TypeError('a bug');
    },
    async *manifestFrames() {
      yield* [];
      throw new BranchcastError('BC_CORE_UNREACHABLE', 'the WAN is down');
    },
    async *frames() {
      yield* [];
      throw new BranchcastError('BC_BUSY', 'later', { details: { retryAfterMs: 4321 } });
    },
  });
  const signal = patience();
  await t.rejects(source.resolveLayer('x', { signal }), { code: 'BC_INTERNAL', message: `${source.name}: a bug` });
  await t.rejects(collect(source.fetchManifest(absent, [], { signal })), { code: 'BC_CORE_UNREACHABLE', message: `${source.name}: the WAN is down` });
  await t.rejects(collect(source.fetchFrames([absent], { signal })), { code: 'BC_BUSY', details: { retryAfterMs: 4321 } });
});

await t.test('too much work is answered busy, and is served later', async (t) => {
  const gate = Promise.withResolvers<void>();
  const [chunk = { digest: absent }] = madeChunks(1, 1000);
  const provider: BlockProvider = {
    ...providerOf(madeChunks(1, 1000)),
    async *frames(digests, signal) {
      await gate.promise;
      yield* providerOf(madeChunks(1, 1000)).frames(digests, signal);
    },
  };
  const { server, source } = await pair(t, provider, { requestsActiveMax: 3, streamsPerPeerMax: 2 });
  const other = new LanSource(await startHost(t), [addressOf(server)], { log: silentLog });
  const outcomes: unknown[] = [];
  const refusals: unknown[] = [];
  const fetch = async (from: LanSource): Promise<void> => {
    await collect(from.fetchFrames([chunk.digest], { signal: patience() })).then(
      (frames) => outcomes.push(frames.length),
      (error: unknown) => refusals.push(error),
    );
  };

  const all = [fetch(source), fetch(source), fetch(source)];
  await until(() => refusals.length === 1);
  t.match(refusals[0], { code: 'BC_BUSY', message: /2 streams/, details: { retryAfterMs: Number } }, 'of one peer, two streams are served');
  all.push(fetch(other), fetch(other));
  await until(() => refusals.length === 2);
  t.match(refusals[1], { code: 'BC_BUSY', message: /3 requests/, details: { retryAfterMs: Number } }, 'of all peers together, three requests');
  gate.resolve();
  await Promise.all(all);
  t.same(outcomes, [1, 1, 1], 'the others are served');
  await Promise.all([fetch(source), fetch(other)]);
  t.same(outcomes, [1, 1, 1, 1, 1], 'and later there is room again');
});

await t.test('a server that waits for the WAN says that it lives; one that says nothing is given up', async (t) => {
  const [chunk = { digest: absent, frame: Buffer.of() }] = madeChunks(1, 1000);
  const slowly: BlockProvider = {
    ...providerOf([]),
    async *frames() {
      await new Promise((resolve) => setTimeout(resolve, 2000));
      yield chunk.frame;
    },
  };
  const patient = await pair(t, slowly, { aliveIntervalMs: 100 }, { stallTimeoutMs: 1000 });
  t.equal((await collect(patient.source.fetchFrames([chunk.digest], { signal: patience() }))).length, 1);
  const silent = await pair(t, slowly, { aliveIntervalMs: 60_000 }, { stallTimeoutMs: 1000 });
  await t.rejects(collect(silent.source.fetchFrames([chunk.digest], { signal: patience() })), { code: 'BC_TIMEOUT' });
});

await t.test('more requests than the bound wait unread; none is lost', async (t) => {
  const chunks = madeChunks(200, 500);
  const gate = Promise.withResolvers<void>();
  const { server, client } = await pair(t, {
    ...providerOf(chunks),
    async *frames(digests, signal) {
      await gate.promise;
      yield* providerOf(chunks).frames(digests, signal);
    },
  });
  const stream = await client.dial(addressOf(server), BLOCKS_PROTOCOL, { signal: patience() });
  const sending = (async () => {
    for (const [requestId, { digest }] of chunks.entries()) await stream.send(encodeRequest({ type: 'want', requestId, digests: [digest] }));
    await stream.close();
  })();
  setTimeout(gate.resolve, 100);
  const ended: number[] = [];
  for (let message = await stream.receive(); message !== undefined; message = await stream.receive()) {
    const reply = decodeReply(message);
    if (reply.type === 'end') ended.push(reply.requestId);
  }
  await sending;
  t.same(ended, chunks.map((_, index) => index), 'answered in their order, also after the client has ended its side');
});

await t.test('a source reconnects after its reflector was away, and tries its other addresses', async (t) => {
  const [chunk = { digest: absent }] = madeChunks(1, 1000);
  const server = await startHost(t, { listen: [LOOPBACK] });
  await serveBlocks(server, providerOf(madeChunks(1, 1000)), { log: silentLog });
  const gone = await startHost(t, { listen: [LOOPBACK] });
  const deadAddress = addressOf(gone);
  await gone.close();
  const source = new LanSource(await startHost(t), [deadAddress, addressOf(server)], { log: silentLog });
  t.equal((await source.fetchBlock(chunk.digest, { signal: patience() }))?.byteLength, 1000, 'the second address');
  const bareAddress = addressOf(server).replace(/\/p2p\/.*/, '');
  await server.close();
  await t.rejects(source.fetchBlock(chunk.digest, { signal: patience() }), { code: 'BC_REFLECTOR_UNREACHABLE' });
  const again = await startHost(t, { listen: [bareAddress] });
  await serveBlocks(again, providerOf(madeChunks(1, 1000)), { log: silentLog });
  const bare = new LanSource(await startHost(t), [bareAddress], { log: silentLog });
  t.equal((await bare.fetchBlock(chunk.digest, { signal: patience() }))?.byteLength, 1000);
  await t.rejects(source.fetchBlock(chunk.digest, { signal: patience() }), { code: 'BC_REFLECTOR_UNREACHABLE' }, 'another identity at the same address is not believed');
});
