/** Opens a store and looks up chunks: `node --expose-gc index-memory.child.ts DIR CHUNKS` prints what that costs as JSON. See index-memory.bench.ts. */
import { randomFillSync } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import { statusBytes } from '../../scripts/branch/process-usage.ts';
import { DIGEST_BYTES, digestFromBytes, type Digest } from '../../src/chunking/digest.ts';
import { openPackChunkStore } from '../../src/store/pack-chunk-store.ts';
import { numberedDigest } from './numbered-digest.ts';

/** One chunk in so many is looked up in each pass: a page of 4 KiB holds about 70. */
const STRIDE = 8;
/** Reading makes LevelDB merge tables: the last pass reads what has come of that. */
const PASSES = 3;
const SETTLE_MS = 1000;
/** A small index is merged in no time. */
const SMALL_CHUNKS = 1_000_000;
const LOOKUPS = 100_000;
const KINDS = 4096;

const [dir = '', countText = '0'] = process.argv.slice(2);
const chunkCount = Number(countText);

function perCpuSecond(digests: readonly Digest[], lookUp: (digest: Digest) => unknown): number {
  const start = process.cpuUsage();
  for (let i = 0; i < LOOKUPS; i += 1) lookUp(digests[i % KINDS] as Digest);
  const { user, system } = process.cpuUsage(start);
  return LOOKUPS / ((user + system) / 1e6);
}

const startedMs = performance.now();
const store = await openPackChunkStore({ dir, quotaBytes: Number.MAX_SAFE_INTEGER });
const openSeconds = (performance.now() - startedMs) / 1000;
globalThis.gc?.();
const openedBytes = process.memoryUsage.rss();
for (let pass = 0; pass < PASSES; pass += 1) {
  for (let i = pass; i < chunkCount; i += STRIDE) if (store.has([numberedDigest(i)])[0] !== true) throw new Error(`chunk ${i} is not found`);
  await setTimeout(chunkCount < SMALL_CHUNKS ? SETTLE_MS / 50 : SETTLE_MS);
}
globalThis.gc?.();
const [readBytes, anonymousBytes] = [process.memoryUsage.rss(), statusBytes('self', 'RssAnon')];
const known = Array.from({ length: KINDS }, (_, i) => numberedDigest(Math.floor((i * Math.max(1, chunkCount)) / KINDS)));
const unknown = Array.from({ length: KINDS }, () => digestFromBytes(randomFillSync(new Uint8Array(DIGEST_BYTES))));
const rates = {
  hitsPerCpuSecond: perCpuSecond(known, (digest) => store.has([digest])),
  missesPerCpuSecond: perCpuSecond(unknown, (digest) => store.has([digest])),
  locatesPerCpuSecond: perCpuSecond(known, (digest) => store.locate([digest])),
};
await store.close();
process.stdout.write(JSON.stringify({ openSeconds, openedBytes, readBytes, anonymousBytes, ...rates }));
