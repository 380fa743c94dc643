/** What the tests of the LAN have in common: hosts on loopback that go away with the test, and a provider of made-up chunks. */
import { generateKeyPair } from '@libp2p/crypto/keys';
import type { Ed25519PrivateKey } from '@libp2p/interface';
import type { Test } from 'tap';
import { silentLog } from '../../src/base/log.ts';
import { hash } from '../../src/chunking/hash.ts';
import type { Digest } from '../../src/chunking/digest.ts';
import { encodeFrame } from '../../src/store/frame-encode.ts';
import type { BlockProvider } from '../../src/swarm/block-provider.ts';
import { createLanHost, type LanHost } from '../../src/swarm/lan-host.ts';

export const LOOPBACK = '/ip4/127.0.0.1/tcp/0';
export const PROTOCOL = '/branchcast/test/1';

export interface HostOptions {
  readonly listen?: readonly string[];
  readonly stallTimeoutMs?: number;
  readonly privateKey?: Ed25519PrivateKey;
}

export async function startHost(t: Test, options: HostOptions = {}): Promise<LanHost> {
  const { listen = [], privateKey = await generateKeyPair('Ed25519'), ...rest } = options;
  const host = await createLanHost({ privateKey, listen, log: silentLog, ...rest });
  t.teardown(() => host.close());
  return host;
}

export function addressOf(host: LanHost): string {
  const [address] = host.addresses();
  if (address === undefined) throw new Error('the host does not listen');
  return address;
}

/** Never fires in a test that goes well. */
export function patience(): AbortSignal {
  return AbortSignal.timeout(30_000);
}

export async function collect<T>(values: AsyncIterable<T>): Promise<T[]> {
  const collected: T[] = [];
  for await (const value of values) collected.push(value);
  return collected;
}

/** Resolves when `holds` does, looking again and again. */
export async function until(holds: () => boolean, patienceMs = 30_000): Promise<void> {
  const signal = AbortSignal.timeout(patienceMs);
  while (!holds()) {
    signal.throwIfAborted();
    await pause(5);
  }
}

/** Resolves when `value` has not changed for a while. */
export async function settled(value: () => number, quietMs = 250): Promise<number> {
  for (let last = value(); ; ) {
    await pause(quietMs);
    if (value() === last) return last;
    last = value();
  }
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

export interface MadeChunk {
  readonly digest: Digest;
  readonly bytes: Uint8Array;
  readonly frame: Uint8Array;
}

/** Chunks that do not compress, each in a frame of its own. */
export function madeChunks(count: number, bytesEach: number): readonly MadeChunk[] {
  let state = 1;
  return Array.from({ length: count }, () => {
    const bytes = new Uint8Array(bytesEach);
    const words = new Uint32Array(bytes.buffer, 0, bytesEach >>> 2);
    for (let index = 0; index < words.length; index += 1) {
      // xorshift32 (Marsaglia 2003)
      state ^= state << 13;
      state ^= state >>> 17;
      state ^= state << 5;
      words[index] = state;
    }
    const digest = hash(bytes);
    return { digest, bytes, frame: encodeFrame([{ digest, bytes }]) };
  });
}

/** Serves `chunks`; as a manifest, all of them. */
export function providerOf(chunks: readonly MadeChunk[]): BlockProvider {
  const byDigest = new Map(chunks.map((chunk) => [chunk.digest, chunk]));
  return {
    async resolveLayer(ref) {
      const [root, descriptor] = chunks;
      return ref === 'base/debian@1' && root !== undefined && descriptor !== undefined ? { name: 'base/debian', version: '1', root: root.digest, descriptor: descriptor.digest } : undefined;
    },
    async *manifestFrames(_root, have) {
      for (const chunk of chunks) if (!have.includes(chunk.digest)) yield chunk.frame;
    },
    async *frames(digests, signal) {
      for (const digest of digests) {
        signal.throwIfAborted();
        const chunk = byDigest.get(digest);
        if (chunk !== undefined) yield chunk.frame;
      }
    },
  };
}
