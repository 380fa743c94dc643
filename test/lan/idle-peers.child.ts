/** Many peers in one process, each with a connection of its own: `idle-peers.child.ts ADDRESS COUNT`. */
import { generateKeyPair } from '@libp2p/crypto/keys';
import { silentLog } from '../../src/base/log.ts';
import { createLanHost, type LanHost } from '../../src/swarm/lan-host.ts';
import { patience, PROTOCOL } from './branch.ts';

const [address = '', count = '0'] = process.argv.slice(2);
const hosts: LanHost[] = [];

async function greet(host: LanHost): Promise<void> {
  const stream = await host.dial(address, PROTOCOL, { signal: patience() });
  await stream.send(Buffer.from(host.peerId));
  if (Buffer.from((await stream.receive()) ?? []).toString() !== host.peerId) throw new Error('a wrong answer');
  await stream.close();
}

// So many at a time as a branch might be starting up; all at once would only measure this process.
const queue = Array.from({ length: Number(count) }, (_, index) => index);
await Promise.all(
  Array.from({ length: 50 }, async () => {
    while (queue.pop() !== undefined) {
      const host = await createLanHost({ privateKey: await generateKeyPair('Ed25519'), listen: [], log: silentLog });
      await greet(host);
      hosts.push(host);
    }
  }),
);
process.send?.({ connected: hosts.length });
process.once('message', () => {
  void Promise.all(hosts.map((host) => greet(host))).then(() => process.send?.({ greeted: hosts.length }));
});
