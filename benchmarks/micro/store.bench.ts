/**
 * The pack store: `node benchmarks/micro/store.bench.ts [DIR] [MiB]`. Writes `MiB` (default 512) of chunks that compress to about a third,
 * in frames of 1 MiB, into a store in DIR (default: a temporary directory); then looks up, reads in order, at random and as frames, scrubs, opens again.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { KiB, MiB } from '../../src/base/units.ts';
import { hash } from '../../src/chunking/hash.ts';
import type { Digest } from '../../src/chunking/digest.ts';
import type { FrameLocation } from '../../src/store/chunk-store.ts';
import { encodeFrame } from '../../src/store/frame-encode.ts';
import { openPackChunkStore } from '../../src/store/pack-chunk-store.ts';
import { noise } from '../../test/unit/store/chunks.ts';

const CHUNK_BYTES = 64 * KiB;
const CHUNKS_PER_FRAME = 16;
const FRAMES_PER_PUT = 8;
const [dir = mkdtempSync(join(tmpdir(), 'branchcast-store-bench-')), totalMiB = '512'] = process.argv.slice(2);
const frameCount = Math.max(FRAMES_PER_PUT, Math.round((Number(totalMiB) * MiB) / (CHUNK_BYTES * CHUNKS_PER_FRAME)));

/** A third noise, the rest repetition: compresses about as well as an operating system's files. */
function makeFrame(seed: number): { frame: Uint8Array; digests: Digest[] } {
  const chunks = Array.from({ length: CHUNKS_PER_FRAME }, (_, i) => {
    const part = noise(CHUNK_BYTES / 3, seed * CHUNKS_PER_FRAME + i + 1);
    const bytes = Buffer.concat([part, part, part, Buffer.alloc(CHUNK_BYTES)]).subarray(0, CHUNK_BYTES);
    return { digest: hash(bytes), bytes };
  });
  return { frame: encodeFrame(chunks, { level: 1 }), digests: chunks.map((chunk) => chunk.digest) };
}

/** Per second, and per second of CPU time: the latter means something on a busy machine as well. */
async function measure(name: string, unit: string, work: () => Promise<number>): Promise<void> {
  const start = { ms: performance.now(), cpu: process.cpuUsage() };
  print(name, unit, await work(), (performance.now() - start.ms) / 1000, cpuSeconds(start.cpu));
}

function cpuSeconds(since: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(since);
  return (user + system) / 1e6;
}

function print(name: string, unit: string, amount: number, seconds: number, cpu: number): void {
  console.log(`${name.padEnd(28)} ${(amount / seconds).toFixed(0).padStart(9)} ${unit.padEnd(12)} ${(amount / cpu).toFixed(0).padStart(9)} per CPU-second`);
}

let store = await openPackChunkStore({ dir });
const digests: Digest[] = [];
let [putSeconds, putCpuSeconds] = [0, 0];
for (let i = 0; i < frameCount; i += FRAMES_PER_PUT) {
  const made = Array.from({ length: FRAMES_PER_PUT }, (_, j) => makeFrame(i + j));
  const start = { ms: performance.now(), cpu: process.cpuUsage() };
  await store.put(made.map((one) => one.frame));
  putSeconds += (performance.now() - start.ms) / 1000;
  putCpuSeconds += cpuSeconds(start.cpu);
  for (const one of made) digests.push(...one.digests);
}
const rawMB = (digests.length * CHUNK_BYTES) / 1e6;
print('put (verify, write, sync)', 'MB/s raw', rawMB, putSeconds, putCpuSeconds);
const shuffled = digests.map((digest) => [hash(Buffer.from(digest)), digest] as const).sort(([a], [b]) => (a < b ? -1 : 1)).map(([, digest]) => digest);

await measure('has, hits', '1/s', async () => store.has(shuffled).length);
await measure('has, misses', '1/s', async () => store.has(shuffled.map((digest) => hash(Buffer.from(digest)))).length);
await measure('locate', '1/s', async () => store.locate(shuffled).length);
await measure('get, in order', 'MB/s raw', async () => {
  for (const digest of digests) await store.get(digest);
  return rawMB;
});
const some = shuffled.slice(0, 1000);
await measure('get, at random', '1/s', async () => {
  for (const digest of some) await store.get(digest);
  return some.length;
});
await measure('readFrame', 'MB/s stored', async () => {
  let bytes = 0;
  for (let i = 0; i < digests.length; i += CHUNKS_PER_FRAME) bytes += (await store.readFrame(store.locate([digests[i] as Digest])[0] as FrameLocation))?.byteLength ?? 0;
  return bytes / 1e6;
});
await measure('scrub', 'MB/s raw', async () => (await store.scrub()).rawBytes / 1e6);
await store.close();
await measure('open', '1/s', async () => {
  store = await openPackChunkStore({ dir });
  return 1;
});
console.log(`resident memory ${(process.memoryUsage.rss() / MiB).toFixed(0)} MiB, ${digests.length} chunks`);
await store.close();
if (process.argv[2] === undefined) rmSync(dir, { recursive: true });
