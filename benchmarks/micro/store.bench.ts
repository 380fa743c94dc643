/** The pack store alone: chunks that compress to about a third, in frames of 1 MiB, written, looked up, read in order, at random and as frames, scrubbed, opened again. */
import { join } from 'node:path';
import { KiB } from '../../src/base/units.ts';
import type { Digest } from '../../src/chunking/digest.ts';
import { hash } from '../../src/chunking/hash.ts';
import type { FrameLocation } from '../../src/store/chunk-store.ts';
import { encodeFrame } from '../../src/store/frame-encode.ts';
import { openPackChunkStore } from '../../src/store/pack-chunk-store.ts';
import { noise } from '../../test/unit/store/chunks.ts';
import type { Benchmark, Contender, Sample, Size } from '../runner/benchmark.ts';

const CHUNK_BYTES = 64 * KiB;
const CHUNKS_PER_FRAME = 16;
const FRAMES_PER_PUT = 8;
const FRAMES: Readonly<Record<Size, number>> = { small: 32, full: 1024 };
const RANDOM_READS = 1000;

interface MadeFrame {
  readonly frame: Uint8Array;
  readonly digests: readonly Digest[];
}

export const benchmark: Benchmark = {
  name: 'store',
  question: 'How fast does the pack store verify and keep chunks, find them, and give them back?',
  diskBytes: 4e9,
  async run({ size, dir, measure, table }) {
    const frames = Array.from({ length: FRAMES[size] }, (_, seed) => makeFrame(seed));
    const digests = frames.flatMap((frame) => frame.digests);
    const shuffled = digests.map((digest) => [hash(Buffer.from(digest)), digest] as const).sort(([a], [b]) => (a < b ? -1 : 1)).map(([, digest]) => digest);
    const unknown = shuffled.map((digest) => hash(Buffer.from(digest)));
    const rawMb = (digests.length * CHUNK_BYTES) / 1e6;
    const storeDir = (round: number): string => join(dir, `store-${round}`);
    let store = await openPackChunkStore({ dir: join(dir, 'unused') });

    const rate = (metric: string, amount: () => Promise<number> | number) => (): Promise<Sample> => measure(async () => {
      const startedMs = performance.now();
      const done = await amount();
      return { [metric]: done / ((performance.now() - startedMs) / 1000) };
    });
    const rows: Contender[] = [
      {
        name: 'put (verify, write, sync)',
        prepare: async (round) => {
          await store.close();
          store = await openPackChunkStore({ dir: storeDir(round) });
        },
        run: rate('mbPerSecond', async () => {
          for (let at = 0; at < frames.length; at += FRAMES_PER_PUT) await store.put(frames.slice(at, at + FRAMES_PER_PUT).map(({ frame }) => frame));
          return rawMb;
        }),
      },
      { name: 'has, hits', run: rate('chunksPerSecond', () => store.has(shuffled).length) },
      { name: 'has, misses', run: rate('chunksPerSecond', () => store.has(unknown).length) },
      { name: 'locate', run: rate('chunksPerSecond', () => store.locate(shuffled).length) },
      { name: 'get, in order', run: rate('mbPerSecond', async () => {
        for (const digest of digests) await store.get(digest);
        return rawMb;
      }) },
      { name: 'get, at random', run: rate('chunksPerSecond', async () => {
        const some = shuffled.slice(0, RANDOM_READS);
        for (const digest of some) await store.get(digest);
        return some.length;
      }) },
      { name: 'readFrame, stored bytes', run: rate('mbPerSecond', async () => {
        let bytes = 0;
        for (let at = 0; at < digests.length; at += CHUNKS_PER_FRAME) bytes += (await store.readFrame(store.locate([digests[at] as Digest])[0] as FrameLocation))?.byteLength ?? 0;
        return bytes / 1e6;
      }) },
      { name: 'scrub', run: rate('mbPerSecond', async () => (await store.scrub()).rawBytes / 1e6) },
      { name: 'open', prepare: () => store.close(), run: (round) => measure(async () => { store = await openPackChunkStore({ dir: storeDir(round) }); }) },
    ];
    await table(`${FRAMES[size]} frames`, rows);
    await store.close();
  },
};

/** A third noise, the rest repetition: compresses about as well as an operating system's files. */
function makeFrame(seed: number): MadeFrame {
  const chunks = Array.from({ length: CHUNKS_PER_FRAME }, (_, index) => {
    const part = noise(CHUNK_BYTES / 3, seed * CHUNKS_PER_FRAME + index + 1);
    const bytes = Buffer.concat([part, part, part, Buffer.alloc(CHUNK_BYTES)]).subarray(0, CHUNK_BYTES);
    return { digest: hash(bytes), bytes };
  });
  return { frame: encodeFrame(chunks, { level: 1 }), digests: chunks.map(({ digest }) => digest) };
}
