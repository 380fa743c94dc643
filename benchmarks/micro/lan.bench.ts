/** One sender process, this one as receiver, loopback, frames of 1 MiB that do not compress. */
import { generateKeyPair } from '@libp2p/crypto/keys';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { join } from 'node:path';
import { silentLog as log } from '../../src/base/log.ts';
import { hash } from '../../src/chunking/hash.ts';
import { createLanHost, type LanHost } from '../../src/swarm/lan-host.ts';
import { LanSource } from '../../src/swarm/lan-source.ts';
import type { Benchmark, Contender, Sample, Size } from '../runner/benchmark.ts';
import { RAW_PROTOCOL, type Ready } from './lan-sender.child.ts';

const FRAMES: Readonly<Record<Size, number>> = { small: 32, full: 512 };

export const benchmark: Benchmark = {
  name: 'lan',
  question: 'What does it cost to carry frames over the LAN, and how much of that is ours? CPU seconds for a GB, of either side.',
  async run({ size, signal, table }) {
    const frameCount = FRAMES[size];
    const sender = fork(join(import.meta.dirname, 'lan-sender.child.ts'), [String(frameCount)], { stdio: ['ignore', 2, 2, 'ipc'] });
    try {
      const [ready] = (await once(sender, 'message', { signal })) as [Ready];
      const host = await createLanHost({ privateKey: await generateKeyPair('Ed25519'), listen: [], log });
      const source = new LanSource(host, [ready.address], { log });
      const wants = Array.from({ length: frameCount }, (_, index) => (index === 0 ? ready.digest : hash(Buffer.from(`${index}`)))) as ReturnType<typeof hash>[];

      const senderCpu = async (): Promise<number> => {
        sender.send('cpu');
        const [{ user, system }] = (await once(sender, 'message', { signal })) as [NodeJS.CpuUsage];
        return user + system;
      };
      const row = (name: string, role: 'product' | 'reference', receive: () => Promise<number>): Contender => ({
        name,
        role,
        run: async (): Promise<Sample> => {
          const before = { own: process.cpuUsage(), theirs: await senderCpu(), ms: performance.now() };
          const gigabytes = (await receive()) / 1e9;
          const wallSeconds = (performance.now() - before.ms) / 1000;
          const { user, system } = process.cpuUsage(before.own);
          const theirs = (await senderCpu()) - before.theirs;
          return { wallSeconds, mbPerSecond: (gigabytes * 1000) / wallSeconds, senderCpuPerGbSeconds: theirs / 1e6 / gigabytes, receiverCpuPerGbSeconds: (user + system) / 1e6 / gigabytes };
        },
      });
      await table(`${frameCount} frames`, [
        row('blocks protocol', 'product', () => receiveFrames(source, wants, signal)),
        row('message stream (libp2p, noise, yamux)', 'reference', () => receiveMessages(host, ready.address, signal)),
        row('tcp', 'reference', () => receiveTcp(ready.tcpPort, signal)),
      ], { warmUps: 1, ratioOf: 'receiverCpuPerGbSeconds' });
      await host.close();
    } finally {
      sender.disconnect();
    }
  },
};

async function receiveTcp(port: number, signal: AbortSignal): Promise<number> {
  let bytes = 0;
  const socket = connect(port, '127.0.0.1').on('data', (data) => (bytes += data.byteLength));
  await once(socket, 'end', { signal });
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
