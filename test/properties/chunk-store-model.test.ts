/** Any run of puts, pins, reads, rot, scrubs and restarts leaves a store under its quota, with its pins, its counts right and no wrong byte. */
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as fc from 'fast-check';
import t from 'tap';
import { hasCode } from '../../src/base/errors.ts';
import { KiB } from '../../src/base/units.ts';
import type { Digest } from '../../src/chunking/digest.ts';
import { encodeFrame, type Chunk } from '../../src/store/frame-encode.ts';
import { openPackChunkStore, type PackChunkStore } from '../../src/store/pack-chunk-store.ts';
import { noiseChunks } from '../unit/store/chunks.ts';

const QUOTA_BYTES = 400 * KiB;
const PACK_BYTES = 48 * KiB;
/** Together about three times the quota. */
const chunks = noiseChunks(120, 10 * KiB);
const digests = chunks.map((chunk) => chunk.digest);

type Step =
  | { readonly do: 'put'; readonly frames: readonly number[][] }
  | { readonly do: 'pin'; readonly name: string; readonly which: readonly number[] }
  | { readonly do: 'unpin'; readonly name: string }
  | { readonly do: 'read'; readonly which: readonly number[] }
  | { readonly do: 'rot'; readonly at: number }
  | { readonly do: 'scrub' | 'restart' };

const index = fc.nat(chunks.length - 1);
const name = fc.constantFrom('a', 'b');
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 8, arbitrary: fc.record({ do: fc.constant('put' as const), frames: fc.array(fc.uniqueArray(index, { minLength: 1, maxLength: 5 }), { minLength: 1, maxLength: 4 }) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('pin' as const), name, which: fc.uniqueArray(index, { maxLength: 8 }) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('unpin' as const), name }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('read' as const), which: fc.array(index, { maxLength: 10 }) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('rot' as const), at: fc.nat() }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('scrub' as const, 'restart' as const) }) },
);

const root = t.testdir();
let runs = 0;

class Run {
  readonly dir = join(root, String((runs += 1)));
  /** What must be there: accepted while it was pinned, or pinned while it was there; until it rots or is let go. */
  readonly kept = new Set<Digest>();
  readonly pins = new Map<string, readonly Digest[]>();
  /** Chunks in packs that a bit was flipped in: there until somebody looks. */
  readonly #doubtful = new Set<Digest>();
  store!: PackChunkStore;

  async open(): Promise<void> {
    this.store = await openPackChunkStore({ dir: this.dir, quotaBytes: QUOTA_BYTES, packBytesTarget: PACK_BYTES });
    for (const [name, pinned] of this.pins) this.store.pin(name, pinned);
  }

  async take(step: Step): Promise<void> {
    const { store } = this;
    if (step.do === 'put') await Promise.all(step.frames.map((frame) => this.#put(frame.map((i) => chunks[i] as Chunk))));
    else if (step.do === 'pin') this.#pin(step.name, step.which.map((i) => digests[i] as Digest));
    else if (step.do === 'unpin') this.#pin(step.name, undefined);
    else if (step.do === 'read') for (const i of step.which) await this.#read(chunks[i] as Chunk);
    else if (step.do === 'rot') this.#rot(step.at);
    else if (step.do === 'scrub') await store.scrub().then(() => this.#doubtful.clear());
    else await store.close().then(() => this.open());
  }

  check(): void {
    const { store } = this;
    const there = store.has(digests);
    const stats = store.stats();
    const used = readdirSync(join(this.dir, 'packs')).reduce((sum, name) => sum + statSync(join(this.dir, 'packs', name)).size, 0);
    expect(used === stats.storedBytes && used <= QUOTA_BYTES, `${used} bytes used, ${stats.storedBytes} counted`);
    expect(stats.chunkCount === there.filter(Boolean).length, `${stats.chunkCount} chunks counted, ${there.filter(Boolean).length} there`);
    expect(stats.rawBytes === stats.chunkCount * 10 * KiB, `${stats.rawBytes} raw bytes`);
    expect((stats.pinnedBytes > 0) === digests.some((digest, i) => there[i] && this.#isPinned(digest)), `${stats.pinnedBytes} pinned bytes`);
    for (const [i, digest] of digests.entries()) expect(there[i] === true || !this.kept.has(digest), `pinned chunk ${i} is gone`);
  }

  async #put(frame: readonly Chunk[]): Promise<void> {
    try {
      await this.store.put([encodeFrame(frame)]);
      for (const { digest } of frame) if (this.#isPinned(digest) && !this.#doubtful.has(digest)) this.kept.add(digest);
    } catch (error) {
      if (!hasCode(error, 'BC_QUOTA_EXCEEDED')) throw error;
    }
  }

  #pin(name: string, pinned: readonly Digest[] | undefined): void {
    if (pinned === undefined) {
      this.store.unpin(name);
      this.pins.delete(name);
    } else {
      this.store.pin(name, pinned);
      this.pins.set(name, pinned);
      for (const [i, there] of this.store.has(pinned).entries()) if (there && !this.#doubtful.has(pinned[i] as Digest)) this.kept.add(pinned[i] as Digest);
    }
    for (const digest of this.kept) if (!this.#isPinned(digest)) this.kept.delete(digest);
  }

  async #read(chunk: Chunk): Promise<void> {
    try {
      const bytes = await this.store.get(chunk.digest);
      expect(bytes === undefined || Buffer.from(chunk.bytes).equals(bytes), `wrong bytes for ${chunk.digest}`);
      expect(bytes !== undefined || !this.kept.has(chunk.digest), 'a pinned chunk is not found');
    } catch (error) {
      if (!hasCode(error, 'BC_CHUNK_CORRUPT')) throw error;
    }
  }

  /** One bit, anywhere in the packs. Whatever it hits, no promise is left for that pack's chunks. */
  #rot(at: number): void {
    const packs = readdirSync(join(this.dir, 'packs'));
    const pack = packs[at % Math.max(1, packs.length)];
    if (pack === undefined) return;
    for (const [i, location] of this.store.locate(digests).entries()) if (`${location?.packId}.pack` === pack) {
      this.kept.delete(digests[i] as Digest);
      this.#doubtful.add(digests[i] as Digest);
    }
    const path = join(this.dir, 'packs', pack);
    const bytes = readFileSync(path);
    bytes[at % bytes.byteLength]! ^= 1 << (at % 8);
    writeFileSync(path, bytes);
  }

  #isPinned(digest: Digest): boolean {
    for (const pinned of this.pins.values()) if (pinned.includes(digest)) return true;
    return false;
  }
}

function expect(condition: boolean, message: string): void {
  if (!condition) throw new Error(message);
}

await t.test('any run of steps', async (t) => {
  let evicted = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 20, maxLength: 60, size: 'max' }), async (steps) => {
      const run = new Run();
      await run.open();
      try {
        for (const one of steps) {
          await run.take(one);
          run.check();
        }
        evicted += run.store.stats().evictedBytes;
      } finally {
        await run.store.close();
      }
    }),
    { seed: 20261106, numRuns: 25 },
  );
  t.ok(evicted > 0, `${evicted} bytes were evicted in all`);
});
