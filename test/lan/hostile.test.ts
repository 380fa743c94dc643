/** Peers that lie, stall or flood: what they send is refused by its bound, and costs little. */
import { noise } from '@libp2p/noise';
import { tcp } from '@libp2p/tcp';
import { yamux } from '@libp2p/yamux';
import type { MultiaddrConnection, Stream } from '@libp2p/interface';
import { multiaddr } from '@multiformats/multiaddr';
import { createLibp2p, type Libp2p } from 'libp2p';
import t, { type Test } from 'tap';
import { LAN_CONNECTION_BACKLOG_BYTES_MAX, LAN_MESSAGE_BYTES_MAX, LAN_REQUEST_BYTES_MAX, LAN_SEND_PIECE_BYTES } from '../../src/base/limits/lan.ts';
import { silentLog } from '../../src/base/log.ts';
import { MiB } from '../../src/base/units.ts';
import { hash } from '../../src/chunking/hash.ts';
import { BLOCKS_PROTOCOL, decodeReply, decodeRequest, encodeReply, encodeRequest, type Reply } from '../../src/swarm/block-messages.ts';
import { serveBlocks } from '../../src/swarm/block-server.ts';
import { LanSource } from '../../src/swarm/lan-source.ts';
import type { MessageStream } from '../../src/swarm/message-stream.ts';
import { addressOf, collect, LOOPBACK, madeChunks, patience, pause, PROTOCOL, providerOf, settled, startHost, until } from './branch.ts';

const SYSTEM_SOCKET_BYTES_MAX = 12 * MiB;

const chunks = madeChunks(3, 20_000);
const [first = { digest: hash(Buffer.of()), frame: Buffer.of() }, second = first, third = first] = chunks;

/** A source whose reflector answers its first request with these messages, then ends the stream. */
async function sourceOf(t: Test, messages: (requestId: number) => Iterable<readonly Uint8Array[]>): Promise<LanSource> {
  const liar = await startHost(t, { listen: [LOOPBACK] });
  await liar.handle(BLOCKS_PROTOCOL, async (stream) => {
    const { requestId } = decodeRequest((await stream.receive()) ?? Buffer.of());
    for (const parts of messages(requestId)) await stream.send(...parts);
  });
  return new LanSource(await startHost(t), [addressOf(liar)], { log: silentLog });
}

const lies: readonly { readonly lie: string; readonly code: string; readonly messages: (requestId: number) => Iterable<readonly Uint8Array[]> }[] = [
  { lie: 'garbage', code: 'BC_PROTOCOL', messages: () => [[Buffer.from('HTTP/1.1 200 OK')]] },
  { lie: 'an empty message', code: 'BC_PROTOCOL', messages: () => [[]] },
  { lie: 'a message beyond the bound', code: 'BC_PROTOCOL', messages: () => [[Buffer.alloc(LAN_MESSAGE_BYTES_MAX + 1)]] },
  { lie: 'an answer to another request', code: 'BC_PROTOCOL', messages: (requestId) => replies({ type: 'frame', requestId: requestId + 1, frame: first.frame }) },
  { lie: 'a request', code: 'BC_PROTOCOL', messages: (requestId) => [[encodeRequest({ type: 'cancel', requestId })]] },
  { lie: 'a layer', code: 'BC_PROTOCOL', messages: (requestId) => replies({ type: 'layer', requestId, layer: undefined }) },
  { lie: 'a frame that nobody asked for', code: 'BC_PROTOCOL', messages: (requestId) => replies({ type: 'frame', requestId, frame: third.frame }) },
  { lie: 'a frame that is none', code: 'BC_FRAME_MALFORMED', messages: (requestId) => replies({ type: 'frame', requestId, frame: Buffer.alloc(100, 1) }) },
  { lie: 'the same frame again and again', code: 'BC_PROTOCOL', messages: function* (requestId) { for (;;) yield* replies({ type: 'frame', requestId, frame: first.frame }); } },
  { lie: 'the lack of something else', code: 'BC_PROTOCOL', messages: (requestId) => replies({ type: 'missing', requestId, digests: [third.digest] }) },
  { lie: 'half an answer', code: 'BC_CONNECTION_LOST', messages: (requestId) => replies({ type: 'frame', requestId, frame: first.frame }) },
  { lie: 'nothing', code: 'BC_CONNECTION_LOST', messages: () => [] },
  { lie: 'signs of life for ever', code: 'BC_TIMEOUT', messages: function* (requestId) { for (;;) yield* replies({ type: 'alive', requestId }); } },
  { lie: 'that it was cancelled', code: 'BC_CONNECTION_LOST', messages: (requestId) => replies({ type: 'error', requestId, code: 'BC_CANCELLED', message: 'ending' }) },
];

function replies(...list: readonly Reply[]): readonly (readonly Uint8Array[])[] {
  return list.map(encodeReply);
}

for (const { lie, code, messages } of lies) {
  await t.test(`a reflector that answers a want with ${lie}`, async (t) => {
    const source = await sourceOf(t, messages);
    const error: unknown = await collect(source.fetchFrames([first.digest, second.digest], { signal: patience() })).catch((thrown: unknown) => thrown);
    t.match(error, { code }, `${code}: ${(error as Error).message}`);
    if (code !== 'BC_CONNECTION_LOST' && code !== 'BC_TIMEOUT') t.match((error as Error).message, source.name, 'the message names the culprit');
  });
}

await t.test('a reflector that lies about a manifest is named', async (t) => {
  const rotten = Buffer.from(first.frame);
  rotten[rotten.byteLength - 1] = (rotten.at(-1) ?? 0) ^ 1;
  const source = await sourceOf(t, (requestId) => replies({ type: 'frame', requestId, frame: second.frame }, { type: 'frame', requestId, frame: rotten }));
  await t.rejects(collect(source.fetchManifest(first.digest, [], { signal: patience() })), { code: /BC_(FRAME_MALFORMED|CHUNK_CORRUPT)/, message: source.name, details: { source: source.name } });
});

await t.test('a client that breaks the protocol loses its stream, and nobody else does', async (t) => {
  const server = await startHost(t, { listen: [LOOPBACK] });
  await serveBlocks(server, providerOf(chunks), { log: silentLog });
  const client = await startHost(t);
  const open = (): Promise<MessageStream> => client.dial(addressOf(server), BLOCKS_PROTOCOL, { signal: patience() });
  const good = await open();
  const request = encodeRequest({ type: 'want', requestId: 1, digests: [first.digest] });
  const breaches: readonly [string, readonly (readonly Uint8Array[])[]][] = [
    ['garbage', [[Buffer.from('GET / HTTP/1.1')]]],
    ['a reply', replies({ type: 'end', requestId: 1 })],
    ['a want for nothing', [[request.subarray(0, 5)]]],
    ['a want with half a digest', [[request.subarray(0, -1)]]],
    ['a request beyond the bound', [[Buffer.alloc(LAN_REQUEST_BYTES_MAX + 1)]]],
  ];
  for (const [breach, messages] of breaches) {
    const stream = await open();
    const sending = (async () => {
      for (const parts of messages) await stream.send(...parts);
    })().catch(() => undefined);
    await t.rejects(stream.receive(), { code: 'BC_CONNECTION_LOST' }, breach);
    await sending;
  }
  await good.send(request);
  t.match(decodeReply((await good.receive()) ?? Buffer.of()), { type: 'frame', requestId: 1 }, 'another stream of the same connection');
  await good.close();
});

/** A peer that can do anything, below our own module. */
async function rogue(t: Test, address: string): Promise<{ node: Libp2p; stream: Stream; socket: MultiaddrConnection }> {
  let socket: MultiaddrConnection | undefined;
  const node = await createLibp2p({
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    connectionGater: {
      denyDialMultiaddr: () => false,
      denyOutboundUpgradedConnection: (_peer, connection) => {
        socket = connection;
        return false;
      },
    },
  });
  t.teardown(() => node.stop());
  const stream = await node.dialProtocol(multiaddr(address), PROTOCOL, { signal: patience() });
  if (socket === undefined) throw new Error('the gater was not asked');
  return { node, stream, socket };
}

/** What yamux's streams can do beside the interface. */
interface YamuxInside {
  sendFrame(header: { type: number; flag: number; streamID: number; length: number }, body?: Uint8Array): boolean;
  readonly streamId: number;
  recvWindow: number;
  recvWindowCapacity: number;
}

await t.test('a peer that grants window without end and reads little costs a bounded backlog', async (t) => {
  const server = await startHost(t, { listen: [LOOPBACK] });
  const streams: MessageStream[] = [];
  let sent = 0;
  await server.handle(PROTOCOL, async (stream) => {
    streams.push(stream);
    await stream.receive();
    for (;;) {
      await stream.send(Buffer.alloc(MiB));
      sent += 1;
    }
  });
  const peer = await rogue(t, addressOf(server));
  // All streams of a connection share its socket: each drain of that wakes every one of them.
  const raws = [peer.stream];
  for (let count = 1; count < 12; count += 1) raws.push(await peer.node.dialProtocol(multiaddr(addressOf(server)), PROTOCOL, { signal: patience() }));
  let receivedBytes = 0;
  for (const raw of raws) {
    const inside = raw as unknown as YamuxInside;
    [inside.recvWindow, inside.recvWindowCapacity] = [2 ** 32, 2 ** 32];
    inside.sendFrame({ type: 1, flag: 0, streamID: inside.streamId, length: 2 ** 31 });
    raw.addEventListener('message', ({ data }) => (receivedBytes += data.byteLength));
    raw.send(Buffer.of(1, 0, 0, 0, 1));
  }
  await until(() => streams.length === raws.length);
  for (let turn = 0; turn < 40; turn += 1) {
    peer.socket.pause();
    await pause(10);
    peer.socket.resume();
    await pause(1);
  }
  peer.socket.pause();
  await settled(() => sent);
  const underwayBytes = sent * MiB - receivedBytes;
  t.ok(sent > 12, `${sent} messages were accepted`);
  t.ok(streams.every(({ unsentBytes }) => unsentBytes <= LAN_SEND_PIECE_BYTES), 'no stream holds more than a piece');
  // What the system's own socket buffers hold, at most: /proc/sys/net/ipv4/tcp_rmem and tcp_wmem.
  t.ok(underwayBytes <= SYSTEM_SOCKET_BYTES_MAX + LAN_CONNECTION_BACKLOG_BYTES_MAX, `${underwayBytes} bytes are underway to a peer that had granted ${raws.length} times 2 GiB`);
  t.ok(streams.every(({ gone }) => !gone.aborted), 'without cutting it off');
});

await t.test('a peer that announces a frame of 4 GiB is cut off at the header', async (t) => {
  const server = await startHost(t, { listen: [LOOPBACK] });
  const streams: MessageStream[] = [];
  await server.handle(PROTOCOL, async (stream) => {
    streams.push(stream);
    await stream.receive({ patient: true });
  });
  const peer = await rogue(t, addressOf(server));
  await until(() => streams.length === 1);
  const inside = peer.stream as unknown as YamuxInside;
  inside.sendFrame({ type: 0, flag: 0, streamID: inside.streamId, length: 2 ** 32 - 1 }, Buffer.alloc(10));
  await until(() => server.connectionCount() === 0);
  t.ok(streams[0]?.gone.aborted, 'with its streams');
});
