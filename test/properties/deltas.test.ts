/** Any version as deltas against any other: every new chunk is accounted for once, every delta decodes against chunks of the old version alone. */
import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import * as fc from 'fast-check';
import t from 'tap';
import { DELTA_KEPT_SHARE_MAX } from '../../src/base/limits/deltas.ts';
import type { Digest } from '../../src/chunking/digest.ts';
import { decodeDelta } from '../../src/delta/delta-decode.ts';
import { parseDeltaHeader } from '../../src/delta/delta-header.ts';
import { LocatedChunks } from '../../src/delta/located-chunks.ts';
import { makeDeltas } from '../../src/delta/make-deltas.ts';
import { MemoryChunkStore } from '../../src/store/memory-chunk-store.ts';
import { baseBytes, framesOf, storeVersion, type Files } from '../doubles/versions.ts';
import { scratchDirectory } from '../unit/image/scratch.ts';
import { noise } from '../unit/image/tree-spec.ts';

const SEED = 20261121;
const RUNS = 40;

t.setTimeout(300_000);

const path = fc.constantFrom('a', 'b/c', 'b/d', 'e', 'f/g/h', 'z');
const content = fc.record({ lengthBytes: fc.integer({ min: 1, max: 60_000 }), seed: fc.nat(20) }).map(({ lengthBytes, seed }) => noise(lengthBytes, seed));
const files = fc.dictionary(path, content, { minKeys: 1, maxKeys: 6, noNullPrototype: true });
type Edit = { readonly kind: 'overwrite' | 'insert' | 'cut' | 'move' | 'remove' | 'new'; readonly at: number; readonly bytes: number; readonly to: string };
const edit: fc.Arbitrary<Edit> = fc.record({
  kind: fc.constantFrom('overwrite', 'insert', 'cut', 'move', 'remove', 'new'), at: fc.double({ min: 0, max: 1, noNaN: true }), bytes: fc.integer({ min: 1, max: 300 }), to: path,
});

function edited(files: Files, edits: readonly Edit[]): Files {
  const now: Record<string, Uint8Array> = { ...files };
  for (const { kind, at, bytes, to } of edits) {
    const names = Object.keys(now);
    const name = names[Math.min(names.length - 1, Math.floor(at * names.length))];
    if (name === undefined || kind === 'new') {
      now[to] = noise(bytes * 10, bytes);
      continue;
    }
    const was = now[name] as Uint8Array;
    const place = Math.floor(at * was.byteLength);
    const rest = kind === 'insert' ? place : place + bytes;
    if (kind === 'move' || kind === 'remove') delete now[name];
    if (kind === 'move') now[to] = was;
    else if (kind !== 'remove') now[name] = Buffer.concat([was.subarray(0, place), kind === 'cut' ? new Uint8Array() : noise(bytes, bytes), was.subarray(rest)]);
  }
  return now;
}

await t.test('random edits and moves', async (t) => {
  const scratch = scratchDirectory(t);
  let deltaCount = 0;
  await fc.assert(
    fc.asyncProperty(files, fc.array(edit, { maxLength: 6 }), async (before, edits) => {
      const dir = mkdtempSync(join(scratch, 'run-'));
      const store = new MemoryChunkStore();
      const old = await storeVersion(store, join(dir, '1'), before);
      const now = await storeVersion(store, join(dir, '2'), edited(before, edits));
      const left = new Set<Digest>();
      for await (const step of makeDeltas(old.root, now.root, new LocatedChunks(framesOf(store)))) {
        if (step.kind === 'planned') {
          for (const digest of step.chunks) left.add(digest);
          const lacking = [...now.chunks.keys()].filter((digest) => !old.chunks.has(digest));
          if (lacking.some((digest) => !left.has(digest))) throw new Error('a new chunk is not in the plan');
          continue;
        }
        for (const digest of step.chunks) if (!left.delete(digest)) throw new Error(`${digest} came twice, or unplanned`);
        if (step.delta === undefined) continue;
        deltaCount += 1;
        const header = parseDeltaHeader(step.delta);
        if (header === undefined || header.deltaBytes > header.fullBytes * DELTA_KEPT_SHARE_MAX) throw new Error('a delta that saves too little was kept');
        const chunks = decodeDelta(step.delta, await baseBytes(async (digest) => old.chunks.get(digest), header.base));
        if (chunks.map(({ digest }) => digest).join() !== step.chunks.join()) throw new Error('a delta brings other chunks than it is said to');
      }
      if (left.size > 0) throw new Error(`${left.size} chunks were left out`);
    }),
    { seed: SEED, numRuns: RUNS },
  );
  t.ok(deltaCount > RUNS / 5, `${deltaCount} deltas were made`);
});
