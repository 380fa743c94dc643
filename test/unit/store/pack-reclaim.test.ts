/** Chunks that move to better frames, and packs that go after them. */
import { readdirSync, rmSync } from 'node:fs';
import { open as openFile, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import type { ChunkLocation } from '../../../src/store/chunk-store.ts';
import { encodeFrame, type Chunk } from '../../../src/store/frame-encode.ts';
import { openPackChunkStore, type PackChunkStore } from '../../../src/store/pack-chunk-store.ts';
import { noiseChunks } from './chunks.ts';

const PACK_BYTES = 50_000;
const chunks = noiseChunks(12, 4000);
const others = noiseChunks(4, 4000, 2);
const digestsOf = (some: readonly Chunk[]): Chunk['digest'][] => some.map(({ digest }) => digest);

async function open(t: Test, dir: string): Promise<PackChunkStore> {
  const store = await openPackChunkStore({ dir, packBytesTarget: PACK_BYTES });
  t.teardown(() => store.close());
  return store;
}

/** Small frames of `chunks`, each followed by one of `others` while there are any. */
async function filled(t: Test, dir: string): Promise<PackChunkStore> {
  const store = await open(t, dir);
  for (const [i, chunk] of chunks.entries()) {
    const other = others[i];
    await store.put([encodeFrame([chunk]), ...(other === undefined ? [] : [encodeFrame([other])])]);
  }
  return store;
}

async function allRead(store: PackChunkStore): Promise<boolean> {
  for (const { digest, bytes } of [...chunks, ...others]) if (!Buffer.from((await store.get(digest)) ?? []).equals(bytes)) return false;
  return true;
}

const places = (store: PackChunkStore, some: readonly Chunk[]): ChunkLocation[] => store.locate(digestsOf(some)).map((location) => location as ChunkLocation);
const packCount = (dir: string): number => readdirSync(join(dir, 'packs')).length;

await t.test('chunks move to a new frame all at once; the old one stays readable until its pack is reclaimed', async (t) => {
  const dir = t.testdir();
  const store = await filled(t, dir);
  const before = store.stats();
  const [old] = places(store, chunks) as [ChunkLocation];
  const frame = encodeFrame(chunks);
  t.equal(await store.restore([frame]), frame.byteLength);
  t.equal(new Set(places(store, chunks).map(({ packId, offsetBytes }) => `${packId}/${offsetBytes}`)).size, 1);
  t.same(Buffer.from((await store.readFrame(places(store, chunks)[0] as ChunkLocation)) ?? []), frame);
  t.ok(await store.readFrame(old), 'who has located it before can still read it');
  t.match(store.stats(), { chunkCount: before.chunkCount, rawBytes: before.rawBytes });
  t.ok(await allRead(store));

  t.ok((await store.reclaim()) > 0);
  t.equal(await store.readFrame(old), undefined, 'then it is stale');
  t.equal(store.packBytes(old.packId), undefined);
  t.match(store.stats(), { chunkCount: before.chunkCount, rawBytes: before.rawBytes });
  t.ok(await allRead(store));
  t.same(Buffer.from((await store.readFrame(places(store, chunks)[0] as ChunkLocation)) ?? []), frame, 'a frame that is moved stays as it is');
  t.equal(await store.reclaim(), 0, 'nothing is left to do');
});

await t.test('a pack that somebody reads stays until the next time', async (t) => {
  const dir = t.testdir();
  const store = await filled(t, dir);
  const [old] = places(store, chunks) as [ChunkLocation];
  await store.restore([encodeFrame(chunks), encodeFrame(others)]);
  const reading = store.readPack(old.packId, 0, store.packBytes(old.packId) ?? 0)[Symbol.asyncIterator]();
  await reading.next();
  await store.reclaim();
  t.ok(store.packBytes(old.packId), 'it is being read');
  await reading.return?.();
  t.ok((await store.reclaim()) > 0);
  t.equal(store.packBytes(old.packId), undefined);
  t.ok(await allRead(store));
});

await t.test('a restart and a lost index find the new frames, before and after the old ones went', async (t) => {
  const dir = t.testdir();
  const frame = encodeFrame(chunks);
  for (const step of ['moved', 'reclaimed'] as const) {
    const store = step === 'moved' ? await filled(t, dir) : await open(t, dir);
    if (step === 'moved') await store.restore([frame]);
    else await store.reclaim();
    const packs = packCount(dir);
    await store.close();
    for (const loseIndex of [false, true]) {
      if (loseIndex) rmSync(join(dir, 'index'), { recursive: true });
      const again = await open(t, dir);
      t.ok(await allRead(again), `${step}, ${loseIndex ? 'without' : 'with'} the index`);
      t.ok(places(again, chunks).every(({ storedBytes }) => storedBytes === frame.byteLength));
      t.equal(packCount(dir), packs);
      await again.close();
    }
  }
});

await t.test('wrong bytes are refused, and nothing has moved', async (t) => {
  const store = await filled(t, t.testdir());
  const before = places(store, chunks);
  const frame = encodeFrame(chunks.slice(0, 11).concat({ digest: (chunks[11] as Chunk).digest, bytes: Buffer.alloc(10) }));
  await t.rejects(store.restore([frame]), { code: 'BC_CHUNK_CORRUPT' });
  t.same(places(store, chunks), before);
});

/** From now on no file can be written to: the disk became full after somebody looked. Answers what ends that. */
async function fillDisk(t: Test, dir: string): Promise<() => void> {
  const handle = await openFile(dir, 'r');
  const methods = Object.getPrototypeOf(handle) as FileHandle;
  await handle.close();
  const full = Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
  return t.intercept(methods, 'write', { value: () => Promise.reject(full) }).restore;
}

await t.test('a disk that is full in the middle of any change: said with the shortfall, and nothing is lost', async (t) => {
  const dir = t.testdir();
  const store = await filled(t, dir);
  await store.restore([encodeFrame(chunks)]);
  const free = await fillDisk(t, dir);
  const isSaid = { code: 'BC_DISK_FULL', details: { shortfallBytes: Number } };
  await t.rejects(store.put([encodeFrame(noiseChunks(1, 4000, 3))]), isSaid);
  await t.rejects(store.restore([encodeFrame(others)]), isSaid);
  await t.rejects(store.reclaim(), isSaid);
  t.ok(await allRead(store));
  free();
  t.ok((await store.reclaim()) > 0, 'it goes on when there is room');
  t.ok(await allRead(store));
});

await t.test('a pack of which most is still found is left alone', async (t) => {
  const store = await filled(t, t.testdir());
  await store.restore([encodeFrame(chunks.slice(0, 1))]);
  t.equal(await store.reclaim(), 0);
});
