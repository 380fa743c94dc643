/** The sender's process of lan.bench.ts: `fork`ed with the number of frames to send. It tells its addresses and, when asked, the CPU time that it has used. */
import { generateKeyPair } from '@libp2p/crypto/keys';
import { randomFillSync } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { silentLog as log } from '../../src/base/log.ts';
import { MiB } from '../../src/base/units.ts';
import { hash } from '../../src/chunking/hash.ts';
import { encodeFrame } from '../../src/store/frame-encode.ts';
import { serveBlocks } from '../../src/swarm/block-server.ts';
import { createLanHost } from '../../src/swarm/lan-host.ts';

export const RAW_PROTOCOL = '/branchcast/bench/1';
/** Of a frame's chunk, so that the frame with its header is about 1 MiB. */
const CHUNK_BYTES = MiB - 4096;

export interface Ready {
  readonly tcpPort: number;
  readonly address: string;
  readonly digest: string;
}

if (import.meta.main) await send(Number(process.argv[2]));

async function send(frameCount: number): Promise<void> {
  const bytes = randomFillSync(new Uint8Array(CHUNK_BYTES));
  const digest = hash(bytes);
  const frame = encodeFrame([{ digest, bytes }]);
  const tcp = createServer((socket) => void sendOver(socket));
  tcp.listen(0, '127.0.0.1');
  await once(tcp, 'listening');
  const host = await createLanHost({ privateKey: await generateKeyPair('Ed25519'), listen: ['/ip4/127.0.0.1/tcp/0'], log });
  await host.handle(RAW_PROTOCOL, async (stream) => {
    for (let count = 0; count < frameCount; count += 1) await stream.send(frame);
  });
  // A want may have no more frames than digests: the wanted one, and others that nobody holds, stand for as many frames.
  await serveBlocks(host, { resolveLayer: async () => undefined, manifestFrames: repeat, frames: (digests) => repeat(digests.length) }, { log });
  process.on('message', () => process.send?.(process.cpuUsage()));
  process.on('disconnect', () => process.exit(0));
  process.send?.({ tcpPort: (tcp.address() as { port: number }).port, address: host.addresses()[0] ?? '', digest } satisfies Ready);

  async function* repeat(count: unknown): AsyncGenerator<Uint8Array> {
    for (let sent = 0; sent < Number(count); sent += 1) yield frame;
  }

  async function sendOver(socket: Socket): Promise<void> {
    for (let count = 0; count < frameCount; count += 1) if (!socket.write(frame)) await once(socket, 'drain');
    socket.end();
  }
}
