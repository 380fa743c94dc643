/** Many connections from one process: `idle-peers.child.ts ADDRESS COUNT`. A few nodes with many each, since nodes are what costs the most here. */
import { noise } from '@libp2p/noise';
import { tcp } from '@libp2p/tcp';
import { yamux } from '@libp2p/yamux';
import type { Connection } from '@libp2p/interface';
import { multiaddr } from '@multiformats/multiaddr';
import { createLibp2p } from 'libp2p';
import { MessageStream } from '../../src/swarm/message-stream.ts';
import { PROTOCOL } from './branch.ts';

const NODES = 25;
const [address = '', count = '0'] = process.argv.slice(2);
const connections: Connection[] = [];

async function greet(connection: Connection): Promise<void> {
  const stream = new MessageStream(await connection.newStream(PROTOCOL), { remotePeerId: connection.remotePeer.toString(), maxMessageBytes: 100 });
  await stream.send(Buffer.from(connection.id));
  if (Buffer.from((await stream.receive()) ?? []).toString() !== connection.id) throw new Error('a wrong answer');
  await stream.close();
}

await Promise.all(
  Array.from({ length: NODES }, async () => {
    const node = await createLibp2p({ transports: [tcp()], connectionEncrypters: [noise()], streamMuxers: [yamux()], connectionMonitor: { enabled: false } });
    for (let made = 0; made < Number(count) / NODES; made += 1) {
      const connection = await node.dial(multiaddr(address), { force: true, signal: AbortSignal.timeout(60_000) });
      await greet(connection);
      connections.push(connection);
    }
  }),
);
process.send?.({ connected: connections.length });
process.once('message', () => {
  void Promise.all(connections.map(greet)).then(() => process.send?.({ greeted: connections.length }));
});
