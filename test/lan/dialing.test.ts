/** Connections of a branch: everybody at once, many that stay, a server that goes and comes back, one that refuses. */
import { fork } from 'node:child_process';
import { createServer } from 'node:net';
import { generateKeyPair } from '@libp2p/crypto/keys';
import t from 'tap';
import type { MessageStream } from '../../src/swarm/message-stream.ts';
import { addressOf, LOOPBACK, patience, pause, PROTOCOL, startHost, until } from './branch.ts';

const echo = async (stream: MessageStream): Promise<void> => {
  for (let message = await stream.receive({ patient: true }); message !== undefined; message = await stream.receive({ patient: true })) await stream.send(message);
};

async function greet(stream: MessageStream, text: string): Promise<string> {
  await stream.send(Buffer.from(text));
  const answer = Buffer.from((await stream.receive()) ?? []).toString();
  await stream.close();
  return answer;
}

await t.test('50 peers that dial at once are all served', async (t) => {
  const server = await startHost(t, { listen: [LOOPBACK] });
  await server.handle(PROTOCOL, echo);
  const peers = await Promise.all(Array.from({ length: 50 }, () => startHost(t)));
  const answers = await Promise.all(peers.map(async (peer) => greet(await peer.dial(addressOf(server), PROTOCOL, { signal: patience() }), peer.peerId)));
  t.same(answers, peers.map(({ peerId }) => peerId));
  t.equal(server.connectionCount(), 50);
});

await t.test('500 idle connections are held and cost little', { timeout: 110_000 }, async (t) => {
  const server = await startHost(t, { listen: [LOOPBACK] });
  await server.handle(PROTOCOL, echo);
  const before = process.memoryUsage.rss();
  const child = fork(new URL('idle-peers.child.ts', import.meta.url), [addressOf(server), '500'], { stdio: 'inherit' });
  t.teardown(() => child.kill('SIGKILL'));
  const reports: unknown[] = [];
  child.on('message', (report) => reports.push(report));
  await until(() => reports.length === 1, 90_000);
  t.same(reports[0], { connected: 500 }, 'all connected');
  await pause(1000);
  t.equal(server.connectionCount(), 500, 'all are held');
  const bytesEach = (process.memoryUsage.rss() - before) / 500;
  t.comment(`${Math.round(bytesEach / 1024)} KiB of resident memory a connection`);
  t.ok(bytesEach < 512 * 1024, `${bytesEach} bytes a connection`);
  child.send('greet');
  await until(() => reports.length === 2);
  t.same(reports[1], { greeted: 500 }, 'all are still served, over the same connections');
  t.equal(server.connectionCount(), 500);
  child.kill('SIGKILL');
  await until(() => server.connectionCount() === 0);
  t.pass('and let go when the peers have gone');
});

await t.test('a server that was started anew is found again', async (t) => {
  const privateKey = await generateKeyPair('Ed25519');
  const first = await startHost(t, { listen: [LOOPBACK], privateKey });
  await first.handle(PROTOCOL, echo);
  const address = addressOf(first);
  const client = await startHost(t);
  const idle = await client.dial(address, PROTOCOL, { signal: patience() });
  t.equal(await greet(await client.dial(address, PROTOCOL, { signal: patience() }), 'one'), 'one');
  await first.close();
  await until(() => idle.gone.aborted);
  await t.rejects(client.dial(address, PROTOCOL, { signal: patience() }), { code: 'BC_REFLECTOR_UNREACHABLE' }, 'nobody is there');

  const second = await startHost(t, { listen: [address.replace(/\/p2p\/.*/, '')], privateKey });
  await second.handle(PROTOCOL, echo);
  t.equal(await greet(await client.dial(address, PROTOCOL, { signal: patience() }), 'two'), 'two');
});

await t.test('an address without a peer id is dialed once, by however many', async (t) => {
  const server = await startHost(t, { listen: [LOOPBACK] });
  await server.handle(PROTOCOL, echo);
  const client = await startHost(t);
  const bare = addressOf(server).replace(/\/p2p\/.*/, '');
  t.notMatch(bare, 'p2p');
  const answers = await Promise.all(Array.from({ length: 20 }, async (_, index) => greet(await client.dial(bare, PROTOCOL, { signal: patience() }), `${index}`)));
  t.same(answers, Array.from({ length: 20 }, (_, index) => `${index}`));
  t.equal(server.connectionCount(), 1);
  t.equal(client.connectionCount(), 1);
});

await t.test('a dial that resolves although the other side refuses fails at the first message', async (t) => {
  const server = await startHost(t, { listen: [LOOPBACK] });
  await server.handle(PROTOCOL, async () => {
    throw new Error('not you');
  });
  const client = await startHost(t);
  const stream = await client.dial(addressOf(server), PROTOCOL, { signal: patience() });
  await t.rejects(greet(stream, 'hello'), { code: 'BC_CONNECTION_LOST' });
});

await t.test('what cannot be dialed says so, in time', async (t) => {
  const server = await startHost(t, { listen: [LOOPBACK] });
  const client = await startHost(t);
  await t.rejects(client.dial('10.0.0.1:7410', PROTOCOL, { signal: patience() }), { code: 'BC_CONFIG_INVALID' }, 'no multiaddr');
  await t.rejects(client.dial(addressOf(server), '/other/1', { signal: patience() }), { code: 'BC_PROTOCOL' }, 'a protocol that nobody speaks');
  const other = await startHost(t);
  const wrongId = addressOf(server).replace(server.peerId, other.peerId);
  await t.rejects(client.dial(wrongId, PROTOCOL, { signal: patience() }), { code: 'BC_REFLECTOR_UNREACHABLE' }, 'somebody else is there');

  // Accepts and says nothing.
  const mute = createServer(() => undefined);
  await new Promise<void>((resolve) => mute.listen(0, '127.0.0.1', resolve));
  t.teardown(() => mute.close());
  const { port } = mute.address() as { port: number };
  const stop = new AbortController();
  const dialing = client.dial(`/ip4/127.0.0.1/tcp/${port}`, PROTOCOL, { signal: stop.signal });
  setTimeout(() => stop.abort(), 50);
  await t.rejects(dialing, { code: 'BC_CANCELLED' }, 'a dial that is cancelled');
  await t.rejects(client.dial(addressOf(server), PROTOCOL, { signal: AbortSignal.abort() }), { code: 'BC_CANCELLED' });
});

await t.test('an address that cannot be listened on is named', async (t) => {
  const server = await startHost(t, { listen: [LOOPBACK] });
  const taken = addressOf(server).replace(/\/p2p\/.*/, '');
  await t.rejects(startHost(t, { listen: [taken] }), { code: 'BC_ADDRESS_IN_USE', message: taken });
  await t.rejects(startHost(t, { listen: [LOOPBACK, taken] }), { code: 'BC_ADDRESS_IN_USE' }, 'also where another one works');
  await t.rejects(startHost(t, { listen: ['localhost:80'] }), { code: 'BC_CONFIG_INVALID' });
  await server.close();
  await server.close();
});
