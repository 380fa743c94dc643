import { appendFileSync, cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { hasCode } from '../../../src/base/errors.ts';
import { encodeFrame, type Chunk } from '../../../src/store/frame-encode.ts';
import { openPackChunkStore, type PackChunkStore, type PackChunkStoreOptions } from '../../../src/store/pack-chunk-store.ts';
import { chunkOf, noiseChunks, prose } from './chunks.ts';

const root = t.testdir();
let made = 0;

async function open(t: Test, dir: string, options: Partial<PackChunkStoreOptions> = {}): Promise<PackChunkStore> {
  const store = await openPackChunkStore({ dir, ...options });
  t.teardown(() => store.close());
  return store;
}

/** A closed store with these frames, in packs of one frame each if they are to be sealed. The last pack is always open. */
async function storeWith(frames: readonly Uint8Array[], packBytesTarget?: number): Promise<string> {
  made += 1;
  const dir = join(root, String(made));
  const store = await openPackChunkStore({ dir, ...(packBytesTarget === undefined ? {} : { packBytesTarget }) });
  for (const frame of frames) await store.put([frame]);
  await store.close();
  return dir;
}

function packs(dir: string): string[] {
  return readdirSync(join(dir, 'packs')).sort().map((name) => join(dir, 'packs', name));
}

async function reads(store: PackChunkStore, chunks: readonly Chunk[]): Promise<('right' | 'wrong' | 'absent' | 'refused')[]> {
  const answers: ('right' | 'wrong' | 'absent' | 'refused')[] = [];
  for (const { digest, bytes } of chunks) {
    try {
      const found = await store.get(digest);
      answers.push(found === undefined ? 'absent' : Buffer.from(found).equals(bytes) ? 'right' : 'wrong');
    } catch (error) {
      if (!hasCode(error, 'BC_CHUNK_CORRUPT')) throw error;
      answers.push('refused');
    }
  }
  return answers;
}

const frameChunks = [[chunkOf(prose(300))], noiseChunks(2, 60), [chunkOf(prose(120, 4))]];
const frames = frameChunks.map((chunks) => encodeFrame(chunks)) as [Uint8Array, Uint8Array, Uint8Array];
const chunks = frameChunks.flat();

await t.test('what was stored is there after a restart, open and sealed packs alike', async (t) => {
  for (const target of [undefined, 100]) {
    const dir = await storeWith(frames, target);
    t.equal(packs(dir).length, target === undefined ? 1 : 3);
    const store = await open(t, dir);
    t.same(await reads(store, chunks), chunks.map(() => 'right'));
    t.match(store.stats(), { chunkCount: 4, frameCount: 3, rawBytes: 540 });
    t.equal((await store.put([frames[0]])).newChunkCount, 0);
  }
});

await t.test('an open pack goes on to be filled after a restart', async (t) => {
  const dir = await storeWith(frames.slice(0, 2));
  const store = await open(t, dir);
  await store.put([frames[2]]);
  t.equal(packs(dir).length, 1);
  await store.close();
  t.same(await reads(await open(t, dir), chunks), chunks.map(() => 'right'));
});

await t.test('a torn tail at every byte of the last frame: exactly the frames before it', async (t) => {
  const dir = await storeWith(frames.slice(0, 2));
  const [pack] = packs(dir) as [string];
  for (const fill of ['cut', 'zeros', 'garbage'] as const) for (let length = 0; length < frames[2].byteLength; length += fill === 'cut' ? 1 : 7) {
    const whole = readFileSync(pack);
    appendFileSync(pack, frames[2].subarray(0, length));
    if (fill !== 'cut') appendFileSync(pack, fill === 'zeros' ? Buffer.alloc(500) : prose(500, length));
    const withIndex = length % 2 === 0;
    if (!withIndex) rmSync(join(dir, 'index'), { recursive: true });
    const store = await openPackChunkStore({ dir });
    const found = store.has(chunks.map((chunk) => chunk.digest));
    await store.close();
    if (!(found[0] && found[1] && found[2] && !found[3]) || !readFileSync(pack).equals(whole)) t.fail(`${fill} after ${length} bytes, ${withIndex ? 'with' : 'without'} the index: ${found.join()}`);
  }
  const store = await open(t, dir);
  await store.put([frames[2]]);
  t.same(await reads(store, chunks), chunks.map(() => 'right'), 'and it is written to again');
});

await t.test('a whole frame that nobody was told of counts', async (t) => {
  const dir = await storeWith(frames.slice(0, 2));
  appendFileSync(packs(dir)[0] as string, frames[2]);
  t.same(await reads(await open(t, dir), chunks), chunks.map(() => 'right'));
});

await t.test('a torn footer is cut off', async (t) => {
  const dir = await storeWith([frames[0], frames[1]], 100);
  const [sealed] = packs(dir) as [string];
  const whole = readFileSync(sealed);
  for (const lessBytes of [1, 8, 12, 31]) {
    rmSync(join(dir, 'index'), { recursive: true });
    writeFileSync(sealed, whole.subarray(0, -lessBytes));
    const store = await openPackChunkStore({ dir, packBytesTarget: 100 });
    t.same(store.has(chunks.map((chunk) => chunk.digest)), [true, true, true, false]);
    await store.close();
    t.same(readFileSync(sealed), whole, 'and the pack is sealed again, byte for byte');
  }
});

await t.test('a flipped bit at every byte of a pack: never a wrong byte, and other frames stay', async (t) => {
  for (const [name, dir, victim] of [
    ['open', await storeWith(frames), 0],
    ['sealed', await storeWith([...frames, encodeFrame(noiseChunks(1, 900, 8))], 900), 0],
  ] as const) {
    const clean = join(root, `${name}-clean`);
    cpSync(dir, clean, { recursive: true });
    const bytes = readFileSync(packs(dir)[victim] as string);
    for (let at = 0; at < bytes.byteLength; at += 5) {
      rmSync(dir, { recursive: true });
      cpSync(clean, dir, { recursive: true });
      if (at % 2 === 0) rmSync(join(dir, 'index'), { recursive: true });
      const spoilt = Buffer.from(bytes);
      spoilt[at]! ^= 1 << (at & 7);
      writeFileSync(packs(dir)[victim] as string, spoilt);
      const store = await openPackChunkStore({ dir });
      const answers = await reads(store, chunks);
      await store.close();
      const spoiltFrames = [answers[0] !== 'right', answers[1] !== 'right' || answers[2] !== 'right', answers[3] !== 'right'].filter(Boolean).length;
      if (answers.includes('wrong') || spoiltFrames > 1) t.fail(`${name}, byte ${at}: ${answers.join()}`);
    }
  }
});

await t.test('the index is made again when it is missing, damaged, or of another layout', async (t) => {
  const dir = await storeWith([...frames, frames[0]], 100);
  const index = join(dir, 'index');
  const table = (): string => readdirSync(index).find((name) => name.startsWith('MANIFEST')) as string;
  const ruins: Record<string, () => void> = {
    missing: () => rmSync(index, { recursive: true }),
    empty: () => { rmSync(index, { recursive: true }); mkdirSync(index); },
    'no manifest': () => rmSync(join(index, table())),
    'rotten manifest': () => writeFileSync(join(index, table()), 'rotten'),
    'no CURRENT': () => rmSync(join(index, 'CURRENT')),
    'log cut': () => { for (const name of readdirSync(index)) if (name.endsWith('.log')) truncateSync(join(index, name)); },
    'tables gone': () => { for (const name of readdirSync(index)) if (name.endsWith('.ldb')) rmSync(join(index, name)); },
    'rotten tables': () => { for (const name of readdirSync(index)) if (name.endsWith('.ldb')) writeFileSync(join(index, name), readFileSync(join(index, name)).map((byte, i) => (i < 40 ? byte ^ 0xff : byte))); },
    'noted as damaged': () => writeFileSync(join(index, 'DAMAGED'), ''),
  };
  for (const [name, ruin] of Object.entries(ruins)) {
    ruin();
    const store = await openPackChunkStore({ dir });
    t.same(await reads(store, chunks), chunks.map(() => 'right'), name);
    t.match(store.stats(), { chunkCount: 4, rawBytes: 540 }, name);
    await store.close();
    t.notOk(existsSync(join(index, 'DAMAGED')));
  }
});

await t.test('scrub brings an index that lost entries back in line', async (t) => {
  const dir = await storeWith(frames);
  const { ChunkIndex } = await import('../../../src/store/chunk-index.ts');
  const { silentLog } = await import('../../../src/base/log.ts');
  const index = await ChunkIndex.open(join(dir, 'index'), silentLog, async () => undefined);
  const [lost, astray] = [chunks[0] as Chunk, chunks[3] as Chunk];
  await index.write([
    { digest: lost.digest, before: undefined, after: undefined },
    { digest: astray.digest, before: undefined, after: { packId: '00000000000000ff', offsetBytes: 0, storedBytes: 9, rawBytes: 9, chunkBytes: 9 } },
  ], []);
  await index.close();
  const store = await open(t, dir);
  t.same(await reads(store, chunks), ['absent', 'right', 'right', 'absent']);
  t.same((await store.scrub()).dropped, []);
  t.same(await reads(store, chunks), chunks.map(() => 'right'));
});

await t.test('packs that were cut short or taken away are missed, not believed', async (t) => {
  const cut = await storeWith(frames);
  truncateSync(packs(cut)[0] as string, 16 + frames[0].byteLength + 5);
  const store = await open(t, cut);
  t.same(await reads(store, chunks), ['right', 'absent', 'absent', 'absent']);
  t.match(store.stats(), { chunkCount: 1, frameCount: 1 });
  await store.put([frames[1], frames[2]]);
  t.same(await reads(store, chunks), chunks.map(() => 'right'));

  const gone = await storeWith(frames, 100);
  rmSync(packs(gone)[1] as string);
  const rest = await open(t, gone);
  t.same(await reads(rest, chunks), ['right', 'absent', 'absent', 'right']);
  t.match(rest.stats(), { chunkCount: 2, packCount: 2 });
  await rest.put([frames[1]]);
  t.same(await reads(rest, chunks), chunks.map(() => 'right'));
});

await t.test('one process at a time', async (t) => {
  const dir = await storeWith(frames);
  const store = await open(t, dir);
  await t.rejects(openPackChunkStore({ dir }), { code: 'BC_STORE_LOCKED' });
  t.same(await reads(store, chunks), chunks.map(() => 'right'));
});

await t.test('a pack of a newer version is refused and left alone', async (t) => {
  const dir = await storeWith(frames);
  const [pack] = packs(dir) as [string];
  const bytes = readFileSync(pack);
  bytes[7] = 2;
  writeFileSync(pack, bytes);
  rmSync(join(dir, 'index'), { recursive: true });
  await t.rejects(openPackChunkStore({ dir }), { code: 'BC_FORMAT_VERSION', details: { version: 2 } });
  t.same(readFileSync(pack), bytes);
});

await t.test('a store that is opened with a smaller quota shrinks with the next put', async (t) => {
  const many = Array.from({ length: 40 }, (_, i) => encodeFrame(noiseChunks(1, 100_000, i)));
  const dir = await storeWith(many, 400_000);
  const store = await open(t, dir, { quotaBytes: 2_000_000, packBytesTarget: 400_000 });
  await store.put([frames[0]]);
  t.ok(store.stats().storedBytes <= 2_000_000);
  t.ok(store.stats().chunkCount > 5);
  t.same((await reads(store, chunks))[0], 'right');
});

await t.test('a pack file that is taken away under a running store', async (t) => {
  const dir = await storeWith(frames, 100);
  const store = await open(t, dir, { quotaBytes: 1_400_000 });
  rmSync(packs(dir)[0] as string);
  t.same(await reads(store, chunks), ['refused', 'right', 'right', 'right']);
  t.same(await reads(store, chunks), ['absent', 'right', 'right', 'right']);
  await store.close();
  const again = await open(t, dir, { quotaBytes: 1_400_000 });
  rmSync(packs(dir)[0] as string);
  t.same(new Set((await again.scrub()).dropped), new Set(noiseChunks(2, 60).map((chunk) => chunk.digest)));
  again.pin('lost', chunks.slice(3).map((chunk) => chunk.digest));
  rmSync(packs(dir)[0] as string);
  for (let i = 0; i < 30; i += 1) await again.put([encodeFrame(noiseChunks(1, 100_000, i))]);
  t.ok(again.stats().evictedBytes > 0);
});
