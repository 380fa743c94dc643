/**
 * The suite that every ChunkStore passes. A runner says how to make one, and how to spoil what it keeps.
 */
import type { Test } from 'tap';
import { KiB, MiB } from '../../src/base/units.ts';
import type { Digest } from '../../src/chunking/digest.ts';
import type { ChunkLocation, ChunkStore, FrameLocation, PackReader } from '../../src/store/chunk-store.ts';
import { decodeFrame } from '../../src/store/frame-decode.ts';
import { encodeFrame, type Chunk } from '../../src/store/frame-encode.ts';
import { chunkOf, noiseChunks, prose } from '../unit/store/chunks.ts';

export interface StoreUnderTest {
  readonly name: string;
  open(t: Test, options: { quotaBytes?: number }): Promise<ChunkStore & PackReader>;
  /** Flips a bit of the stored frame, `atBytes` from its start. */
  flip(store: ChunkStore & PackReader, location: FrameLocation, atBytes: number): Promise<void>;
  /** Bytes that the store really takes, for the quota. */
  usedBytes(store: ChunkStore & PackReader): number;
}

const digestsOf = (chunks: readonly Chunk[]): Digest[] => chunks.map((chunk) => chunk.digest);
const text = (bytes: Uint8Array | undefined): string | undefined => (bytes === undefined ? undefined : Buffer.from(bytes).toString('base64'));
async function all(pieces: AsyncIterable<Uint8Array>): Promise<Uint8Array[]> {
  const list: Uint8Array[] = [];
  for await (const piece of pieces) list.push(piece);
  return list;
}
/** A frame of about 64 KiB that does not compress, different for each seed. */
const block = (seed: number): { chunks: Chunk[]; frame: Uint8Array } => {
  const chunks = noiseChunks(4, 16 * KiB, seed);
  return { chunks, frame: encodeFrame(chunks) };
};

export async function chunkStoreConformance(t: Test, kind: StoreUnderTest): Promise<void> {
  const open = (t: Test, quotaBytes?: number): Promise<ChunkStore & PackReader> => kind.open(t, quotaBytes === undefined ? {} : { quotaBytes });
  const where = (store: ChunkStore, digest: Digest): ChunkLocation => store.locate([digest])[0] as ChunkLocation;

  await t.test('what was put comes back, as chunks and as frames', async (t) => {
    const store = await open(t);
    const chunks = [chunkOf(prose(50_000)), chunkOf(prose(10, 2)), ...noiseChunks(3, 5000)];
    const frames = [encodeFrame(chunks.slice(0, 2)), encodeFrame(chunks.slice(2))];
    const result = await store.put(frames);
    t.same(result, { newChunkCount: 5, newRawBytes: 65_010, newStoredBytes: frames.reduce((sum, frame) => sum + frame.byteLength, 0) });
    t.same(store.has([...digestsOf(chunks), ...digestsOf(noiseChunks(1, 9, 5))]), [true, true, true, true, true, false]);
    for (const chunk of chunks) t.equal(text(await store.get(chunk.digest)), text(chunk.bytes));
    for (const [i, location] of store.locate(digestsOf(chunks)).entries()) {
      t.match(location?.packId, /^[a-z0-9]{1,32}$/);
      t.equal(location?.chunkBytes, chunks[i]?.bytes.byteLength);
      t.equal(text(await store.readFrame(location as FrameLocation)), text(frames[i < 2 ? 0 : 1]));
    }
  });

  await t.test('what is not stored is undefined, not an error', async (t) => {
    const store = await open(t);
    const [stranger] = digestsOf(noiseChunks(1, 10)) as [Digest];
    t.same(store.locate([stranger]), [undefined]);
    t.equal(await store.get(stranger), undefined);
    t.equal(await store.readFrame({ packId: 'nosuchpack', offsetBytes: 0, storedBytes: 100, rawBytes: 100 }), undefined);
    t.equal(store.packBytes('nosuchpack'), undefined);
    t.same(await store.put([]), { newChunkCount: 0, newRawBytes: 0, newStoredBytes: 0 });
  });

  await t.test('malformed and lying frames are refused, with nothing of the call kept', async (t) => {
    const store = await open(t);
    const good = block(1);
    const cut = good.frame.subarray(0, -1);
    const lie = encodeFrame([{ digest: (good.chunks[0] as Chunk).digest, bytes: prose(100) }]);
    await t.rejects(store.put([good.frame, cut]), { code: 'BC_FRAME_MALFORMED' });
    await t.rejects(store.put([good.frame, lie]), { code: 'BC_CHUNK_CORRUPT' });
    t.same(store.has(digestsOf(good.chunks)), [false, false, false, false]);
    t.equal(store.stats().frameCount, 0);
    t.equal((await store.put([good.frame])).newChunkCount, 4, 'and the store goes on');
  });

  await t.test('known frames are not stored again; partly known ones are, whole, and the newer copy counts', async (t) => {
    const store = await open(t);
    const { chunks, frame } = block(1);
    await store.put([frame]);
    t.same(await store.put([frame, frame]), { newChunkCount: 0, newRawBytes: 0, newStoredBytes: 0 });
    t.same(await store.put([encodeFrame(chunks.slice(1, 3))]), { newChunkCount: 0, newRawBytes: 0, newStoredBytes: 0 });
    t.equal(store.stats().frameCount, 1);
    const [fresh] = noiseChunks(1, 1000, 9) as [Chunk];
    const mixed = encodeFrame([chunks[0] as Chunk, fresh]);
    t.same(await store.put([mixed]), { newChunkCount: 1, newRawBytes: 1000, newStoredBytes: mixed.byteLength });
    t.equal(text(await store.readFrame(where(store, (chunks[0] as Chunk).digest))), text(mixed));
    t.match(store.stats(), { chunkCount: 5, frameCount: 2, rawBytes: 4 * 16 * KiB + 1000 });
  });

  await t.test('concurrent puts of the same chunks store them once', async (t) => {
    const store = await open(t);
    const { frame } = block(1);
    const results = await Promise.all(Array.from({ length: 8 }, () => store.put([frame])));
    t.equal(results.reduce((sum, result) => sum + result.newChunkCount, 0), 4);
    t.equal(store.stats().frameCount, 1);
  });

  await t.test('concurrent puts of different frames all arrive', async (t) => {
    const store = await open(t);
    const blocks = Array.from({ length: 40 }, (_, i) => block(i));
    await Promise.all(blocks.map(({ frame }) => store.put([frame])));
    for (const { chunks } of blocks) for (const chunk of chunks) t.equal(text(await store.get(chunk.digest)), text(chunk.bytes));
    t.equal(store.stats().frameCount, 40);
  });

  await t.test('statistics add up', async (t) => {
    const store = await open(t);
    const blocks = [block(1), block(2), block(3)];
    await store.put(blocks.map(({ frame }) => frame));
    store.locate([...digestsOf(block(1).chunks), ...digestsOf(block(7).chunks)]);
    await store.get((block(2).chunks[0] as Chunk).digest);
    const stats = store.stats();
    t.match(stats, { chunkCount: 12, frameCount: 3, rawBytes: 12 * 16 * KiB, hitCount: 5, missCount: 4, corruptCount: 0, evictedBytes: 0, pinnedBytes: 0 });
    t.equal(stats.storedBytes, kind.usedBytes(store));
    t.ok(stats.packCount >= 1 && stats.storedBytes >= blocks.reduce((sum, { frame }) => sum + frame.byteLength, 0));
    t.equal(stats.quotaBytes, undefined);
  });

  await t.test('eviction: never over the quota, the newest stays, what went is gone everywhere', async (t) => {
    const quotaBytes = 4 * MiB;
    const store = await open(t, quotaBytes);
    const locations: FrameLocation[] = [];
    let peakBytes = 0;
    for (let i = 0; i < 150; i += 1) {
      const { chunks, frame } = block(i);
      const put = store.put([frame]);
      const watch = { over: false };
      put.finally(() => { watch.over = true; }).catch(() => undefined);
      while (!watch.over) {
        peakBytes = Math.max(peakBytes, kind.usedBytes(store));
        await new Promise(setImmediate);
      }
      await put;
      t.same(store.has(digestsOf(chunks)), [true, true, true, true], 'what was just put is there');
      locations.push(where(store, (chunks[0] as Chunk).digest));
    }
    t.ok(peakBytes > quotaBytes / 2 && peakBytes <= quotaBytes, `${peakBytes} bytes at the most under a quota of ${quotaBytes}, in the middle of puts`);
    const stats = store.stats();
    t.ok(stats.evictedBytes > 4 * MiB && stats.storedBytes <= quotaBytes && stats.storedBytes > quotaBytes / 2, `${stats.storedBytes} stored, ${stats.evictedBytes} evicted`);
    let held = 0;
    for (let i = 0; i < 150; i += 1) {
      const { chunks, frame } = block(i);
      const known = store.has(digestsOf(chunks))[0] === true;
      held += known ? 4 : 0;
      t.equal(text(await store.readFrame(locations[i] as FrameLocation)), known ? text(frame) : undefined, 'stale locations answer undefined');
      t.equal(text(await store.get((chunks[3] as Chunk).digest)), known ? text(chunks[3]?.bytes) : undefined);
    }
    t.equal(stats.chunkCount, held);
  });

  await t.test('what is read often outlives what is not', async (t) => {
    const store = await open(t, 8 * MiB);
    const hot = Array.from({ length: 24 }, (_, i) => block(i));
    await store.put(hot.map(({ frame }) => frame));
    for (let i = 100; i < 340; i += 1) {
      await store.put([block(i).frame]);
      for (const { chunks } of hot) store.locate(digestsOf(chunks));
    }
    const kept = hot.filter(({ chunks }) => store.has(digestsOf(chunks))[0]).length;
    t.ok(kept >= 20, `${kept} of 24 hot frames kept`);
    t.ok(store.stats().evictedBytes > 4 * MiB);
  });

  await t.test('pins hold, before and after the chunks come, until they are let go', async (t) => {
    const store = await open(t, 4 * MiB);
    const before = block(1);
    const after = block(2);
    store.pin('release', [...digestsOf(before.chunks), ...digestsOf(after.chunks)]);
    await store.put([before.frame]);
    await store.put([block(3).frame]);
    await store.put([after.frame]);
    t.ok(store.stats().pinnedBytes > 0);
    for (let i = 10; i < 160; i += 1) await store.put([block(i).frame]);
    for (const chunk of [...before.chunks, ...after.chunks]) t.equal(text(await store.get(chunk.digest)), text(chunk.bytes));
    store.pin('release', digestsOf(after.chunks));
    for (let i = 200; i < 350; i += 1) await store.put([block(i).frame]);
    t.same(store.has([...digestsOf(before.chunks), ...digestsOf(after.chunks)]), [false, false, false, false, true, true, true, true]);
    store.unpin('release');
    t.equal(store.stats().pinnedBytes, 0);
    for (let i = 400; i < 550; i += 1) await store.put([block(i).frame]);
    t.same(store.has(digestsOf(after.chunks)), [false, false, false, false]);
  });

  await t.test('a few pinned chunks in each of many packs do not fill the cache for good', async (t) => {
    const store = await open(t, 4 * MiB);
    const keep: Chunk[] = [];
    for (let i = 0; i < 200; i += 1) {
      const { chunks, frame } = block(i);
      if (i % 20 === 0) {
        keep.push(...chunks);
        store.pin('some', digestsOf(keep));
      }
      await store.put([frame]);
    }
    for (const chunk of keep) t.equal(text(await store.get(chunk.digest)), text(chunk.bytes));
  });

  await t.test('where pins leave no room a put is refused, and nothing is evicted for it', async (t) => {
    const store = await open(t, 2 * MiB);
    const pinned = Array.from({ length: 26 }, (_, i) => block(i));
    store.pin('all', pinned.flatMap(({ chunks }) => digestsOf(chunks)));
    await store.put(pinned.map(({ frame }) => frame));
    const more = Array.from({ length: 10 }, (_, i) => block(100 + i).frame);
    await t.rejects(store.put(more), { code: 'BC_QUOTA_EXCEEDED' });
    await t.rejects(store.put(Array.from({ length: 40 }, (_, i) => block(200 + i).frame)), { code: 'BC_QUOTA_EXCEEDED' }, 'larger than the quota itself');
    for (const { chunks } of pinned) t.same(store.has(digestsOf(chunks)), [true, true, true, true]);
    store.unpin('all');
    t.equal((await store.put(more)).newChunkCount, 40);
  });

  await t.test('one put that does not fit does not spoil those beside it', async (t) => {
    const store = await open(t, 2 * MiB);
    const large = Array.from({ length: 40 }, (_, i) => block(100 + i).frame);
    const settled = await Promise.allSettled([store.put([block(1).frame]), store.put(large), store.put([block(2).frame])]);
    t.same(settled.map((one) => one.status), ['fulfilled', 'rejected', 'fulfilled']);
    t.same(store.has([...digestsOf(block(1).chunks), ...digestsOf(block(2).chunks)]), Array.from({ length: 8 }, () => true));
  });

  await t.test('packs are read by range, and stay while they are read', async (t) => {
    const store = await open(t, 2 * MiB);
    const { chunks, frame } = block(1);
    await store.put([frame]);
    const { packId, offsetBytes, storedBytes } = where(store, (chunks[0] as Chunk).digest);
    t.ok((store.packBytes(packId) as number) >= offsetBytes + storedBytes);
    const read = async (start: number, end: number, signal?: AbortSignal): Promise<Buffer> => Buffer.concat(await all(store.readPack(packId, start, end, signal)));
    t.equal(text(await read(offsetBytes, offsetBytes + storedBytes)), text(frame));
    t.equal((await read(offsetBytes + 5, offsetBytes + 5)).byteLength, 0);
    await t.rejects(read(0, (store.packBytes(packId) as number) + 1), { code: 'BC_USAGE' });
    await t.rejects(read(9, 8), { code: 'BC_USAGE' });
    await t.rejects(read(0, 8, AbortSignal.abort()), { code: 'BC_CANCELLED' });
    await t.rejects(all(store.readPack('nosuchpack', 0, 1)), { code: 'BC_PACK_NOT_FOUND' });

    const reading = store.readPack(packId, offsetBytes, offsetBytes + storedBytes)[Symbol.asyncIterator]();
    await reading.next();
    for (let i = 10; i < 120; i += 1) await store.put([block(i).frame]).catch((error: unknown) => t.match(error, { code: 'BC_QUOTA_EXCEEDED' }));
    t.equal(text(await store.readFrame(where(store, (chunks[0] as Chunk).digest))), text(frame));
    await reading.return?.();
    for (let i = 200; i < 320; i += 1) await store.put([block(i).frame]);
    t.equal(store.packBytes(packId), undefined);
  });

  for (const [part, at] of [['payload', -1], ['table', 30], ['magic', 0]] as const) {
    await t.test(`rot in the ${part} is never read, is dropped, and heals`, async (t) => {
      const store = await open(t);
      const [good, bad] = [block(1), block(2)];
      await store.put([good.frame]);
      await store.put([bad.frame]);
      const location = where(store, (bad.chunks[0] as Chunk).digest);
      await kind.flip(store, location, at < 0 ? location.storedBytes + at : at);
      await t.rejects(store.get((bad.chunks[1] as Chunk).digest), { code: 'BC_CHUNK_CORRUPT', details: { packId: location.packId } });
      t.equal(store.has(digestsOf(bad.chunks))[1], false);
      t.same(store.has(digestsOf(good.chunks)), [true, true, true, true]);
      t.equal(store.stats().corruptCount, 1);
      await store.put([bad.frame]);
      for (const chunk of [...good.chunks, ...bad.chunks]) t.equal(text(await store.get(chunk.digest)), text(chunk.bytes));

      const again = where(store, (bad.chunks[0] as Chunk).digest);
      await kind.flip(store, again, at < 0 ? again.storedBytes + at : at);
      await t.rejects(store.readFrame(again), { code: 'BC_CHUNK_CORRUPT' });
      t.same(store.has(digestsOf(bad.chunks)), [false, false, false, false]);
      t.equal(store.stats().chunkCount, 4);
    });
  }

  await t.test('scrub reads everything, names what has rotted, and leaves the rest alone', async (t) => {
    const store = await open(t);
    const blocks = Array.from({ length: 6 }, (_, i) => block(i));
    await store.put(blocks.map(({ frame }) => frame));
    const progress: number[] = [];
    const clean = await store.scrub({ onProgress: (done, total) => progress.push(done / total) });
    t.match(clean, { frameCount: 6, chunkCount: 24, rawBytes: 24 * 16 * KiB, dropped: [] });
    t.ok(progress.every((share, i) => share >= (progress[i - 1] ?? 0) && share <= 1) && progress.at(-1) === 1);
    const [first, second] = [blocks[2], blocks[4]] as [(typeof blocks)[number], (typeof blocks)[number]];
    await kind.flip(store, where(store, (first.chunks[0] as Chunk).digest), 200);
    await kind.flip(store, where(store, (second.chunks[0] as Chunk).digest), 25);
    const report = await store.scrub();
    t.same(new Set(report.dropped), new Set(digestsOf([...first.chunks, ...second.chunks])));
    t.equal(store.stats().chunkCount, 16);
    await store.put([first.frame, second.frame]);
    t.same((await store.scrub()).dropped, []);
    t.same(store.has(blocks.flatMap(({ chunks }) => digestsOf(chunks))), Array.from({ length: 24 }, () => true));
    await t.rejects(store.scrub({ signal: AbortSignal.abort() }), { code: 'BC_CANCELLED' });
  });

  await t.test('frames travel between stores as they are', async (t) => {
    const [one, other] = [await open(t), await open(t)];
    const { chunks, frame } = block(1);
    await one.put([frame]);
    const copy = (await one.readFrame(where(one, (chunks[0] as Chunk).digest))) as Uint8Array;
    t.equal((await other.put([copy])).newChunkCount, 4);
    t.equal(decodeFrame(copy).length, 4);
  });

  await t.test('closing waits for what is under way; after it everything is refused', async (t) => {
    const store = await open(t);
    const { chunks, frame } = block(1);
    const putting = store.put([frame]);
    await Promise.all([store.close(), store.close()]);
    t.equal((await putting).newChunkCount, 4);
    const digests = digestsOf(chunks);
    const closed = { code: 'BC_STORE_CLOSED' };
    t.throws(() => store.has(digests), closed);
    t.throws(() => store.locate(digests), closed);
    t.throws(() => store.pin('a', digests), closed);
    await t.rejects(store.put([frame]), closed);
    await t.rejects(store.get(digests[0] as Digest), closed);
    await t.rejects(store.readFrame({ packId: 'a', offsetBytes: 0, storedBytes: 1, rawBytes: 1 }), closed);
    await t.rejects(store.scrub(), closed);
    await store.close();
  });
}
