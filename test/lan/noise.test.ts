/** Our noise beside the plain one of libp2p: the same on the wire, in fewer writes. */
import { Socket } from 'node:net';
import { noise } from '@libp2p/noise';
import { tcp } from '@libp2p/tcp';
import { yamux } from '@libp2p/yamux';
import { multiaddr } from '@multiformats/multiaddr';
import { createLibp2p } from 'libp2p';
import t from 'tap';
import { LAN_MESSAGE_BYTES_MAX } from '../../src/base/limits/lan.ts';
import { MessageStream } from '../../src/swarm/message-stream.ts';
import { mixedBytes } from '../e2e/sample-tree.ts';
import { addressOf, LOOPBACK, patience, startHost } from './branch.ts';

const ECHO = '/branchcast/test-echo/1';

void t.test('a peer with the plain noise of libp2p gets every byte, and is understood', async (t) => {
  const host = await startHost(t, { listen: [LOOPBACK] });
  await host.handle(ECHO, async (stream) => {
    for (let message = await stream.receive(); message !== undefined; message = await stream.receive()) await stream.send(message);
  });
  const plain = await createLibp2p({ transports: [tcp()], connectionEncrypters: [noise()], streamMuxers: [yamux()] });
  t.teardown(() => plain.stop());
  const raw = await plain.dialProtocol(multiaddr(addressOf(host)), ECHO);
  const stream = new MessageStream(raw, { remotePeerId: host.peerId, maxMessageBytes: LAN_MESSAGE_BYTES_MAX });
  // Below and above the length from which node:crypto is used, and of several messages of noise.
  for (const bytes of [1, 1199, 1200, 65_507, 65_508, 1_000_000]) {
    const message = mixedBytes(bytes, bytes);
    await stream.send(message);
    t.ok(Buffer.from((await stream.receive()) ?? []).equals(message), `${bytes} bytes`);
  }
  await stream.close();
});

void t.test('the pieces of a message reach the socket together', async (t) => {
  const corked = t.intercept(Socket.prototype, 'cork');
  const host = await startHost(t, { listen: [LOOPBACK] });
  await host.handle(ECHO, async (stream) => {
    await stream.receive();
  });
  const dialer = await startHost(t);
  const stream = await dialer.dial(addressOf(host), ECHO, { signal: patience() });
  const before = corked().length;
  t.ok(before > 0, 'connections of @libp2p/tcp are what we take them for');
  await stream.send(mixedBytes(1, 200_000));
  await stream.close();
  t.ok(corked().length > 0);
});
