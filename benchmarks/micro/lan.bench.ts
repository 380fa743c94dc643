/**
 * Question: what does it cost to carry frames over the LAN, and how much of that is ours?
 *
 * One sender process, one receiver process, loopback, frames of 1 MiB that do not compress: plain TCP, message streams over libp2p (noise,
 * yamux), and the whole blocks protocol. CPU-seconds a GB for each side; compare the lines of one run, not runs.
 *
 *   node benchmarks/micro/lan.bench.ts [--mib N] [--json]
 */
import { fork } from 'node:child_process';
import { randomFillSync } from 'node:crypto';
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { parseArgs } from 'node:util';
import { generateKeyPair } from '@libp2p/crypto/keys';
import { silentLog as log } from '../../src/base/log.ts';
import { MiB } from '../../src/base/units.ts';
import { hash } from '../../src/chunking/hash.ts';
import { encodeFrame } from '../../src/store/frame-encode.ts';
import { serveBlocks } from '../../src/swarm/block-server.ts';
import { createLanHost, type LanHost } from '../../src/swarm/lan-host.ts';
import { LanSource } from '../../src/swarm/lan-source.ts';

const RAW_PROTOCOL = '/branchcast/bench/1';
/** Of a frame's chunk, so that the frame with its header is about 1 MiB. */
const CHUNK_BYTES = MiB - 4096;

const { values, positionals } = parseArgs({ options: { mib: { type: 'string', default: '512' }, json: { type: 'boolean', default: false } }, allowPositionals: true });
const frameCount = Number(values.mib);

/** The sender's process prints nothing; it tells its addresses and, when asked, the CPU time that it has used. */
interface Ready {
  readonly tcpPort: number;
  readonly address: string;
  readonly digest: string;
}

interface Line {
  readonly transport: string;
  readonly mbPerSecond: number;
  readonly senderCpuSecondsPerGB: number;
  readonly receiverCpuSecondsPerGB: number;
}

if (positionals[0] === 'sender') await send();
else await receive();

async function newHost(listen: readonly string[]): Promise<LanHost> {
  return createLanHost({ privateKey: await generateKeyPair('Ed25519'), listen, log });
}

async function send(): Promise<void> {
  const bytes = randomFillSync(new Uint8Array(CHUNK_BYTES));
  const digest = hash(bytes);
  const frame = encodeFrame([{ digest, bytes }]);
  const tcp = createServer((socket) => void sendOver(socket));
  tcp.listen(0, '127.0.0.1');
  await once(tcp, 'listening');
  const host = await newHost(['/ip4/127.0.0.1/tcp/0']);
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

async function receive(): Promise<void> {
  const sender = fork(import.meta.filename, ['sender', '--mib', values.mib], { stdio: 'inherit' });
  try {
    const [ready] = (await once(sender, 'message')) as [Ready];
    const host = await newHost([]);
    const source = new LanSource(host, [ready.address], { log });
    const signal = AbortSignal.timeout(600_000);
    const wants = Array.from({ length: frameCount }, (_, index) => (index === 0 ? ready.digest : hash(Buffer.from(`${index}`)))) as ReturnType<typeof hash>[];

    const transports: readonly [string, () => Promise<number>][] = [
      ['tcp', () => receiveTcp(ready.tcpPort)],
      ['message stream (libp2p, noise, yamux)', () => receiveMessages(host, ready.address, signal)],
      ['blocks', () => receiveFrames(source, wants, signal)],
    ];
    const lines: Line[] = [];
    for (const [transport, run] of transports) {
      await run();
      const before = { own: process.cpuUsage(), sender: await cpuOf(), atMs: performance.now() };
      const gigabytes = (await run()) / 1e9;
      const seconds = (performance.now() - before.atMs) / 1000;
      const own = process.cpuUsage(before.own);
      const theirs = await cpuOf();
      lines.push({
        transport,
        mbPerSecond: (gigabytes * 1000) / seconds,
        senderCpuSecondsPerGB: (theirs.user + theirs.system - before.sender.user - before.sender.system) / 1e6 / gigabytes,
        receiverCpuSecondsPerGB: (own.user + own.system) / 1e6 / gigabytes,
      });
    }
    await host.close();
    print(lines);
  } finally {
    sender.disconnect();
  }

  async function cpuOf(): Promise<NodeJS.CpuUsage> {
    sender.send('cpu');
    const [usage] = (await once(sender, 'message')) as [NodeJS.CpuUsage];
    return usage;
  }
}

async function receiveTcp(port: number): Promise<number> {
  let bytes = 0;
  const socket = connect(port, '127.0.0.1').on('data', (data) => (bytes += data.byteLength));
  await once(socket, 'end');
  return bytes;
}

async function receiveMessages(host: LanHost, address: string, signal: AbortSignal): Promise<number> {
  const stream = await host.dial(address, RAW_PROTOCOL, { signal });
  let bytes = 0;
  for (let message = await stream.receive(); message !== undefined; message = await stream.receive()) bytes += message.byteLength;
  await stream.close();
  return bytes;
}

async function receiveFrames(source: LanSource, wants: Parameters<LanSource['fetchFrames']>[0], signal: AbortSignal): Promise<number> {
  let bytes = 0;
  for await (const frame of source.fetchFrames(wants, { signal })) bytes += frame.byteLength;
  return bytes;
}

function print(lines: readonly Line[]): void {
  if (values.json) {
    console.log(JSON.stringify(lines));
    return;
  }
  console.log(`frames of 1 MiB, ${values.mib} MiB a line\n`);
  console.log('| transport | MB/s | CPU-s/GB sender | CPU-s/GB receiver |\n|---|---|---|---|');
  for (const line of lines) console.log(`| ${line.transport} | ${line.mbPerSecond.toFixed(0)} | ${line.senderCpuSecondsPerGB.toFixed(2)} | ${line.receiverCpuSecondsPerGB.toFixed(2)} |`);
}
