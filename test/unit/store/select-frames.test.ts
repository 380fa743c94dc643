import t from 'tap';
import type { Digest } from '../../../src/chunking/digest.ts';
import type { FrameLocation } from '../../../src/store/chunk-store.ts';
import { decodeFrame } from '../../../src/store/frame-decode.ts';
import { encodeFrame, type Chunk } from '../../../src/store/frame-encode.ts';
import { MemoryChunkStore } from '../../../src/store/memory-chunk-store.ts';
import { selectFrames } from '../../../src/store/select-frames.ts';
import { noiseChunks } from './chunks.ts';

const dense = noiseChunks(4, 1000);
const sparse = noiseChunks(10, 1000, 2);
const denseFrame = encodeFrame(dense);
const digestsOf = (chunks: readonly (Chunk | undefined)[]): Digest[] => chunks.map((chunk) => (chunk as Chunk).digest);

async function filled(): Promise<MemoryChunkStore> {
  const store = new MemoryChunkStore();
  await store.put([denseFrame, encodeFrame(sparse)]);
  return store;
}

async function collect(store: MemoryChunkStore, wanted: readonly Digest[], signal?: AbortSignal): Promise<Uint8Array[]> {
  const frames: Uint8Array[] = [];
  for await (const frame of selectFrames(store, wanted, signal)) frames.push(frame);
  return frames;
}

await t.test('a frame that is mostly wanted travels as it is, chunks of others travel alone', async (t) => {
  const frames = await collect(await filled(), digestsOf([dense[0], dense[3], sparse[2], sparse[7]]));
  t.equal(frames.length, 2);
  t.same(Buffer.from(frames[0] as Uint8Array), Buffer.from(denseFrame));
  t.same(digestsOf(decodeFrame(frames[1] as Uint8Array)), digestsOf([sparse[2], sparse[7]]));
});

await t.test('what is not stored is left out, what is wanted twice comes once', async (t) => {
  const [stranger] = noiseChunks(1, 10, 3);
  t.same(await collect(await filled(), digestsOf([stranger])), []);
  const frames = await collect(await filled(), digestsOf([sparse[0], stranger, sparse[0]]));
  t.same(frames.map((frame) => digestsOf(decodeFrame(frame))), [digestsOf([sparse[0]])]);
});

await t.test('a location that has gone stale meanwhile is looked up again', async (t) => {
  const store = await filled();
  store.readFrame = async () => undefined;
  const frames = await collect(store, digestsOf(dense));
  t.same(frames.flatMap((frame) => digestsOf(decodeFrame(frame))), digestsOf(dense));
});

await t.test('rot is left out', async (t) => {
  const store = await filled();
  const bytes = (await store.readFrame(store.locate(digestsOf(dense))[0] as FrameLocation)) as Uint8Array;
  bytes[bytes.byteLength - 1] = bytes[bytes.byteLength - 1]! ^ 1;
  t.same(await collect(store, digestsOf(dense)), []);
});

await t.test('it ends when it is cancelled', async (t) => {
  await t.rejects(collect(await filled(), digestsOf(dense), AbortSignal.abort()), { code: 'BC_CANCELLED' });
});
