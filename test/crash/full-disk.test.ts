/** A disk that fills up: said clearly, nothing accepted is lost, and the store goes on when there is room. On a small tmpfs, which takes root. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmdirSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { BranchcastError } from '../../src/base/errors.ts';
import { DISK_RESERVE_BYTES, INDEX_OPEN_BYTES } from '../../src/base/limits/store.ts';
import { KiB, MiB } from '../../src/base/units.ts';
import type { ChunkStore } from '../../src/store/chunk-store.ts';
import { encodeFrame, type Chunk } from '../../src/store/frame-encode.ts';
import { freeDiskBytes } from '../../src/store/disk-room.ts';
import { openPackChunkStore } from '../../src/store/pack-chunk-store.ts';
import { noiseChunks } from '../unit/store/chunks.ts';

t.setTimeout(300_000);

const DISK_BYTES = DISK_RESERVE_BYTES + 24 * MiB;
// Not t.testdir(): that would be removed before it is unmounted.
const disk = mkdtempSync(join(tmpdir(), 'branchcast-full-disk-'));
const ballast = join(disk, 'ballast');
let mounted = false;
try {
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${DISK_BYTES}`, 'tmpfs', disk], { stdio: 'pipe' });
  mounted = true;
} catch (error) {
  console.error(`SKIPPED: the full-disk tests need root to mount a tmpfs: ${String(error)}`);
}
t.teardown(() => {
  if (mounted) execFileSync('umount', ['-l', disk]);
  rmdirSync(disk);
});
const skip = mounted ? false : 'needs root, to mount a small tmpfs';

type Accepted = Map<string, Chunk>;

/** Puts frames until one is refused, and says how. */
async function fill(store: ChunkStore, accepted: Accepted, chunksOf: (i: number) => Chunk[], inFlight: number): Promise<BranchcastError> {
  let failure: unknown;
  for (let i = 0; failure === undefined; i += inFlight) {
    const batch = Array.from({ length: inFlight }, (_, j) => chunksOf(i + j));
    const settled = await Promise.allSettled(batch.map((chunks) => store.put([encodeFrame(chunks)])));
    for (const [j, one] of settled.entries()) {
      if (one.status === 'rejected') failure ??= one.reason;
      else for (const chunk of batch[j] ?? []) accepted.set(chunk.digest, chunk);
    }
  }
  if (!(failure instanceof BranchcastError)) throw failure;
  return failure;
}

/** Every so many-th, from the last on. */
async function lostOrWrong(store: ChunkStore, accepted: Accepted, every = 1): Promise<number> {
  let count = 0;
  const looked = [...accepted.values()].reverse().filter((_, i) => i % every === 0);
  for (const { digest, bytes } of looked) if (!Buffer.from(bytes).equals((await store.get(digest)) ?? Buffer.alloc(0))) count += 1;
  return count;
}

await t.test('too little room is refused before anything is written, with the shortfall', { skip }, async (t) => {
  writeFileSync(ballast, Buffer.alloc(10 * MiB));
  const store = await openPackChunkStore({ dir: join(disk, 'a'), packBytesTarget: 4 * MiB });
  const accepted: Accepted = new Map();
  const error = await fill(store, accepted, (i) => noiseChunks(4, 64 * KiB, 1 + i), 3);
  t.equal(error.code, 'BC_DISK_FULL');
  const shortfallBytes = Number(error.details['shortfallBytes']);
  t.ok(shortfallBytes > 0 && shortfallBytes < 2 * MiB, `${shortfallBytes} bytes short`);
  t.match(error.message, /lacks .* [KM]iB/);
  t.ok(accepted.size > 40, `${accepted.size} chunks before that`);
  t.equal(await lostOrWrong(store, accepted), 0);
  t.equal((await store.scrub()).dropped.length, 0);
  truncateSync(ballast, 10 * MiB - shortfallBytes);
  const last = noiseChunks(4, 64 * KiB, 999);
  t.equal((await store.put([encodeFrame(last)])).newChunkCount, 4, 'the shortfall is what it takes');
  await store.close();
  rmSync(join(disk, 'a'), { recursive: true });
  rmSync(ballast);
});

for (const [name, chunksOf, startBytes, stepBytes, every] of [
  ['large chunks: the packs hit the end of the disk', (i: number) => noiseChunks(6, 100 * KiB, i), 12 * MiB, 1.5 * MiB, 1],
  ['tiny chunks: the index hits it as well', (i: number) => noiseChunks(200, 8, i), 2 * MiB, 0.25 * MiB, 37],
] as const) {
  await t.test(`the disk is full in the middle of a write; ${name}`, { skip }, async (t) => {
    const dir = join(disk, 'b');
    // Another program takes the reserve and more, right after the store has looked: what it was promised is not there.
    const freeBytes = async (path: string): Promise<number> => (await freeDiskBytes(path)) + DISK_RESERVE_BYTES + MiB;
    const open = async (): Promise<ChunkStore> => {
      try {
        return await openPackChunkStore({ dir, packBytesTarget: 2 * MiB, freeBytes });
      } catch (error) {
        t.match(error, { code: 'BC_DISK_FULL', details: { shortfallBytes: Number } }, 'a disk that is full to the last byte does not even let the index be opened');
        truncateSync(ballast, statSync(ballast).size - INDEX_OPEN_BYTES);
        return openPackChunkStore({ dir, packBytesTarget: 2 * MiB, freeBytes });
      }
    };
    let store = await open();
    const accepted: Accepted = new Map();
    // The rest of the disk.
    writeFileSync(ballast, Buffer.alloc(DISK_BYTES - startBytes));
    let seed = 5000;
    for (let round = 0; round < 5; round += 1) {
      const error = await fill(store, accepted, () => chunksOf((seed += 1)), 1 + (round % 3));
      t.equal(error.code, 'BC_DISK_FULL', error.message);
      const shortfallBytes = Number(error.details['shortfallBytes']);
      t.ok(shortfallBytes > 0);
      truncateSync(ballast, statSync(ballast).size - Math.max(stepBytes, shortfallBytes));
      t.equal(await lostOrWrong(store, accepted, every), 0, `round ${round}: ${accepted.size} chunks accepted so far are all right`);
      if (round % 3 === 2) {
        await store.close();
        store = await open();
        t.equal(await lostOrWrong(store, accepted, every), 0, 'after a restart as well');
      }
    }
    const stats = store.stats();
    const packs = join(dir, 'packs');
    t.equal(readdirSync(packs).reduce((sum, file) => sum + statSync(join(packs, file)).size, 0), stats.storedBytes, 'no partial append is left behind');
    t.equal((await store.scrub()).dropped.length, 0);
    await store.close();
    rmSync(join(dir, 'index'), { recursive: true });
    store = await open();
    t.notOk(store.has([...accepted.values()].map((chunk) => chunk.digest)).includes(false), 'the packs alone hold everything');
    t.equal(await lostOrWrong(store, accepted, every), 0);
    await store.close();
    rmSync(dir, { recursive: true });
    rmSync(ballast);
  });
}
