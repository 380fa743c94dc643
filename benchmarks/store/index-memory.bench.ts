/**
 * What the chunk index costs a reflector. The index is written by the store's own ledger, in batches as puts make them; the packs are sparse files of the
 * right length, for no frame in them is read. Each figure is of a process of its own (index-memory.child.ts), which opens the store with the code that a reflector runs.
 */
import { mkdirSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { silentLog } from '../../src/base/log.ts';
import { KiB } from '../../src/base/units.ts';
import { ChunkIndex } from '../../src/store/chunk-index.ts';
import { ChunkLedger, newPack } from '../../src/store/chunk-ledger.ts';
import type { Benchmark, Sample, Size } from '../runner/benchmark.ts';
import { numberedDigest } from './numbered-digest.ts';

const CHUNKS: Readonly<Record<Size, number>> = { small: 100_000, full: 10_000_000 };
/** Frames as a publish makes them: chunks of 8 to 120 KiB, 16 a frame, compressed to a third, 190 frames in a pack of 64 MiB, 32 a put. */
const CHUNKS_PER_FRAME = 16;
const FRAMES_PER_PACK = 190;
const FRAMES_PER_PUT = 32;
const BYTES_PER_CHUNK_MAX = 60;
const OPEN_SECONDS_MAX = 3;

export const benchmark: Benchmark = {
  name: 'index-memory',
  question: 'How many bytes of resident memory does a chunk cost a reflector, when its store has been opened and when all of the index was read, and how long does opening take? Above an empty store; file-backed memory, which the system may take back, counts in full.',
  bounds: [
    { what: 'resident memory when all was read', value: { row: 'store', metric: 'readBytesPerChunk' }, atMost: [BYTES_PER_CHUNK_MAX] },
    { what: 'open', value: { row: 'store', metric: 'openSeconds' }, atMost: [OPEN_SECONDS_MAX] },
  ],
  diskBytes: 2e9,
  async run({ size, dir, child, table, say }) {
    const chunkCount = CHUNKS[size];
    const [empty, full] = [join(dir, 'empty'), join(dir, 'full')];
    say(`writing an index of ${chunkCount} chunks`);
    await fill(empty, 0);
    await fill(full, chunkCount);
    const open = async (storeDir: string, count: number): Promise<Sample> => {
      const { stdout } = await child(process.execPath, ['--expose-gc', join(import.meta.dirname, 'index-memory.child.ts'), storeDir, String(count)]);
      return JSON.parse(stdout) as Sample;
    };
    await table(`${chunkCount} chunks`, [{
      name: 'store',
      run: async () => {
        const [none, all] = [await open(empty, 0), await open(full, chunkCount)];
        const perChunk = (metric: string): number => ((all[metric] ?? Number.NaN) - (none[metric] ?? Number.NaN)) / chunkCount;
        const { openSeconds = Number.NaN, hitsPerCpuSecond = Number.NaN, missesPerCpuSecond = Number.NaN, locatesPerCpuSecond = Number.NaN } = all;
        return { openSeconds, openedBytesPerChunk: perChunk('openedBytes'), readBytesPerChunk: perChunk('readBytes'), anonymousBytesPerChunk: perChunk('anonymousBytes'), hitsPerCpuSecond, missesPerCpuSecond, locatesPerCpuSecond };
      },
    }], { ratioOf: 'openSeconds' });
  },
};

async function fill(dir: string, chunkCount: number): Promise<void> {
  const packs = join(dir, 'packs');
  mkdirSync(packs, { recursive: true });
  const index = await ChunkIndex.open(join(dir, 'index'), silentLog, async () => undefined);
  const ledger = new ChunkLedger(index);
  let chunk = 0;
  for (let packNumber = 1; chunk < chunkCount; packNumber += 1) {
    const packId = packNumber.toString(16).padStart(16, '0');
    const pack = newPack(packId, 16);
    ledger.packs.set(packId, pack);
    while (!pack.sealed) {
      const changes = [];
      for (let frame = 0; frame < FRAMES_PER_PUT && pack.frameCount < FRAMES_PER_PACK && chunk < chunkCount; frame += 1) {
        const lengths = Array.from({ length: CHUNKS_PER_FRAME }, (_, i) => 8 * KiB + (((chunk + i) * 7919) % (112 * KiB)));
        const rawBytes = lengths.reduce((sum, bytes) => sum + bytes, 0);
        const storedBytes = Math.round(rawBytes / 3);
        for (const chunkBytes of lengths) changes.push({ digest: numberedDigest(chunk++), before: undefined, after: { packId, offsetBytes: pack.lengthBytes, storedBytes, rawBytes, chunkBytes } });
        pack.lengthBytes += storedBytes;
        pack.frameCount += 1;
      }
      pack.sealed = pack.frameCount === FRAMES_PER_PACK || chunk >= chunkCount;
      await ledger.apply(changes, [pack]);
    }
    const path = join(packs, `${packId}.pack`);
    writeFileSync(path, '');
    truncateSync(path, pack.lengthBytes);
  }
  await index.close();
}
