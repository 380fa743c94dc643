/** What no delta brings: as it is stored, or compressed anew because its frame would travel for little of it. */
import { join } from 'node:path';
import t from 'tap';
import { DELTA_KEPT_SHARE_MAX } from '../../../src/base/limits/deltas.ts';
import type { Digest } from '../../../src/chunking/digest.ts';
import { decodeDelta } from '../../../src/delta/delta-decode.ts';
import { parseDeltaHeader } from '../../../src/delta/delta-header.ts';
import { LeftoverCosts } from '../../../src/delta/leftovers.ts';
import { LocatedChunks } from '../../../src/delta/located-chunks.ts';
import { makeDeltas } from '../../../src/delta/make-deltas.ts';
import type { ChunkLocation } from '../../../src/store/chunk-store.ts';
import { MemoryChunkStore } from '../../../src/store/memory-chunk-store.ts';
import { framesOf, storeVersion, type Files } from '../../doubles/versions.ts';
import { noise } from '../store/chunks.ts';

const place = (offsetBytes: number, chunkBytes: number): ChunkLocation => ({ packId: 'p', offsetBytes, storedBytes: 400, rawBytes: 1000, chunkBytes });

t.test('a chunk costs its share of the whole frame among those that are left', (t) => {
  const [a, b, alone, all] = [place(0, 100), place(0, 300), place(400, 50), place(800, 1000)];
  const costs = new LeftoverCosts([a, b, alone, all]);
  t.same([a, b, alone, all].map((location) => costs.costOf(location)), [100, 300, 400, 400]);
  t.same([a, b, alone, all].map((location) => costs.isWorthIt(location)), [true, true, true, false]);
  const [just, over] = [place(0, 1000 * DELTA_KEPT_SHARE_MAX), place(0, 1000 * DELTA_KEPT_SHARE_MAX + 1)];
  t.equal(new LeftoverCosts([just]).isWorthIt(just), true);
  t.equal(new LeftoverCosts([over]).isWorthIt(over), false);
  t.end();
});

/** Half of what noise is: letters that compress, and are like nothing else. */
function letters(bytes: number, seed: number): Buffer {
  return Buffer.from(noise(bytes / 2, seed).toString('hex'));
}

/** An edit in every chunk. */
function scattered(bytes: Buffer): Buffer {
  const edited = Buffer.from(bytes);
  for (let at = 300; at < edited.byteLength; at += 700) edited[at] = 0x7a;
  return edited;
}

async function deltasOf(dir: string, before: Files, after: Files): Promise<{ brought: Set<Digest>; without: Set<Digest>; fresh: Digest[] }> {
  const store = new MemoryChunkStore();
  const old = await storeVersion(store, join(dir, '1'), before);
  const now = await storeVersion(store, join(dir, '2'), after);
  const found = { brought: new Set<Digest>(), without: new Set<Digest>(), fresh: [] as Digest[] };
  for await (const step of makeDeltas(old.root, now.root, new LocatedChunks(framesOf(store)))) {
    if (step.kind === 'planned') {
      found.fresh.push(...step.chunks);
      continue;
    }
    t.notOk(step.chunks.some((digest) => found.brought.has(digest) || found.without.has(digest)), 'what becomes of a chunk is said once');
    for (const digest of step.chunks) (step.delta === undefined ? found.without : found.brought).add(digest);
    if (step.delta === undefined || (parseDeltaHeader(step.delta)?.base.length ?? 0) > 0) continue;
    t.same(decodeDelta(step.delta, new Uint8Array(0)).map(({ bytes }) => bytes), step.chunks.map((digest) => now.chunks.get(digest)));
  }
  return found;
}

await t.test('new content in the frames of changed content comes without a base', async (t) => {
  const big = letters(300_000, 1);
  const { brought, without, fresh } = await deltasOf(t.testdir(), { big }, { big: scattered(big), other: letters(100_000, 2) });
  t.ok(fresh.length > 100);
  t.equal(brought.size, fresh.length, 'no frame has to come for a quarter of it');
  t.equal(without.size, 0);
});

await t.test('new content that makes up most of its frame comes as it is stored', async (t) => {
  const big = letters(150_000, 1);
  const { brought, without, fresh } = await deltasOf(t.testdir(), { big }, { big: scattered(big), other: letters(800_000, 2) });
  t.ok(brought.size > fresh.length * 0.1, `${brought.size} of ${fresh.length} as deltas`);
  t.ok(without.size > fresh.length * 0.8, `${without.size} as they are`);
});
