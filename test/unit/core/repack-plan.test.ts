import t from 'tap';
import { FRAME_RAW_BYTES_MAX } from '../../../src/base/limits/frames.ts';
import { REPACK_GENERATIONS_MAX, REPACK_STORED_BYTES_TARGET } from '../../../src/base/limits/repacking.ts';
import { KiB, MiB } from '../../../src/base/units.ts';
import { hash } from '../../../src/chunking/hash.ts';
import { FrameUse, RepackPlan, type PlannedChunk, type PlannedFrame } from '../../../src/core/repack-plan.ts';
import { storedShare, type ChunkLocation } from '../../../src/store/chunk-store.ts';

/** A chunk of 64 KiB in a published frame of 1 MiB that compressed to `share`. */
const published = (share: number): ChunkLocation => ({ packId: 'old', offsetBytes: 16, storedBytes: share * MiB, rawBytes: MiB, chunkBytes: 64 * KiB });
const long: ChunkLocation = { packId: 'new', offsetBytes: 16, storedBytes: MiB, rawBytes: 4 * MiB, chunkBytes: MiB };
const chunk = (number: number, location: ChunkLocation, generation = 1): PlannedChunk => ({ digest: hash(Buffer.from(String(number))), generation, location });

function planned(chunks: readonly PlannedChunk[], use = new FrameUse()): PlannedFrame[] {
  const plan = new RepackPlan(use);
  return [...chunks.flatMap((one) => [...plan.add(one)]), ...plan.finish()];
}

await t.test('every chunk is in one frame, in order, within both bounds', async (t) => {
  for (const share of [0.05, 0.25, 0.9]) {
    const chunks = Array.from({ length: 1000 }, (_, i) => chunk(i, published(share)));
    const frames = planned(chunks);
    t.same(frames.flatMap(({ digests }) => digests), chunks.map(({ digest }) => digest));
    for (const frame of frames) {
      t.ok(frame.rawBytes <= FRAME_RAW_BYTES_MAX && frame.storedBytes <= REPACK_STORED_BYTES_TARGET);
      t.equal(frame.rawBytes, frame.digests.length * 64 * KiB);
    }
    t.ok((frames[0]?.rawBytes ?? 0) > MiB, 'longer than they were');
  }
});

await t.test('what different commits brought does not stand in one frame', async (t) => {
  const chunks = Array.from({ length: 300 }, (_, i) => chunk(i, published(0.2), i % 3));
  const generations = new Map(chunks.map(({ digest, generation }) => [digest, generation]));
  const frames = planned(chunks);
  t.same(frames.flatMap(({ digests }) => digests).sort(), chunks.map(({ digest }) => digest).sort());
  for (const { digests } of frames) t.equal(new Set(digests.map((digest) => generations.get(digest))).size, 1);
});

await t.test('many commits: a bounded number of frames is open', async (t) => {
  const frames = planned(Array.from({ length: REPACK_GENERATIONS_MAX * 2 }, (_, i) => chunk(i, published(0.2), i)));
  t.equal(frames.length, REPACK_GENERATIONS_MAX * 2);
});

await t.test('what does not compress stays', async (t) => {
  t.same(planned([chunk(1, published(1))]), []);
});

await t.test('a long frame stays if the layer wants most of it, and is made anew if not', async (t) => {
  for (const [wanted, stays] of [[4, true], [3, true], [2, false]] as const) {
    const use = new FrameUse();
    const chunks = Array.from({ length: wanted }, (_, i) => chunk(i, long));
    for (const { location } of chunks) use.add(location);
    t.equal(planned(chunks, use).length, stays ? 0 : 1);
  }
});

await t.test("a chunk's share of its frame is by raw bytes", async (t) => {
  t.equal(storedShare(long), MiB / 4);
});
