/**
 * kill -9 in the middle of writing, 200 times: nothing that was accepted is lost, nothing reads back wrong. The same stores go on from
 * kill to kill, so that they recover from recoveries, too.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import t, { type Test } from 'tap';
import { hasCode } from '../../src/base/errors.ts';
import { MiB } from '../../src/base/units.ts';
import { openPackChunkStore } from '../../src/store/pack-chunk-store.ts';
import { noise } from '../unit/store/chunks.ts';
import { writtenChunks } from './written-chunks.ts';

const KILLS = 200;
const STORES = 4;
/** The stores are checked, by this process, after so many kills of each; every child recovers besides. */
const KILLS_PER_CHECK = 10;
const QUOTA_BYTES = 4 * MiB;
const CHILD = fileURLToPath(new URL('kill.child.ts', import.meta.url));

// Far more than it takes; a machine with much else to do must not make this test fail.
t.setTimeout(600_000);

const random = noise(KILLS * 8, 20261105);
const root = t.testdir();

interface Victim {
  readonly dir: string;
  readonly quotaBytes: number;
  readonly accepted: Set<number>;
  nextSeed: number;
}

/** One child, from its start to its end. Every fifth is killed while it opens the store, the others while they write. */
async function killOnce(victim: Victim, round: number): Promise<void> {
  const child = spawn(process.execPath, [CHILD, victim.dir, String(victim.nextSeed), String(victim.quotaBytes)], { stdio: ['ignore', 'pipe', 'inherit'], env: { ...process.env, NODE_COMPILE_CACHE: join(root, 'compiled') } });
  const closed = once(child, 'close');
  const seeds: number[] = [];
  const first = new Promise<void>((resolve) => {
    createInterface({ input: child.stdout }).on('line', (line) => { seeds.push(Number(line)); resolve(); });
  });
  const chance = random.readUInt32LE(round * 4) / 2 ** 32;
  if (round % 5 === 0) {
    await sleep(60 + chance * 120);
  } else {
    await Promise.race([first, closed.then(([code]) => { throw new Error(`the writer ended by itself with ${code}`); })]);
    await sleep(chance * 60);
  }
  child.kill('SIGKILL');
  await closed;
  for (const seed of seeds) victim.accepted.add(seed);
  // Three more may have been on their way; they are never written again, so what they left stays different from all else.
  victim.nextSeed = Math.max(victim.nextSeed, ...seeds.map((seed) => seed + 1)) + 3;
}

async function check(t: Test, victim: Victim): Promise<void> {
  const store = await openPackChunkStore({ dir: victim.dir, ...(victim.quotaBytes > 0 ? { quotaBytes: victim.quotaBytes } : {}) });
  let [lost, wrong] = [0, 0];
  for (const seed of victim.accepted) for (const { digest, bytes } of writtenChunks(seed)) {
    const found = await store.get(digest).catch((error: unknown) => (hasCode(error, 'BC_CHUNK_CORRUPT') ? null : Promise.reject(error)));
    if (found === undefined) lost += 1;
    else if (found === null || !Buffer.from(bytes).equals(found)) wrong += 1;
  }
  t.equal(wrong, 0, `of ${victim.accepted.size} accepted frames none reads back wrong`);
  if (victim.quotaBytes === 0) t.equal(lost, 0, 'none is lost');
  const { chunkCount, rawBytes, frameCount } = store.stats();
  t.match(await store.scrub(), { dropped: [], chunkCount, rawBytes, frameCount }, 'everything there is sound, and statistics add up');
  await store.close();
  if (victim.quotaBytes > 0) {
    const packs = join(victim.dir, 'packs');
    const bytes = readdirSync(packs).reduce((sum, name) => sum + statSync(join(packs, name)).size, 0);
    t.ok(bytes <= victim.quotaBytes, `${bytes} bytes under the quota`);
    t.ok(lost < victim.accepted.size || victim.accepted.size === 0);
  }
}

await t.test(`${KILLS} kills`, async (t) => {
  let killed = 0;
  await Promise.all(Array.from({ length: STORES }, async (_, i) => {
    // The last store works under a quota: it is killed while it evicts.
    const victim: Victim = { dir: join(root, String(i)), quotaBytes: i === STORES - 1 ? QUOTA_BYTES : 0, accepted: new Set(), nextSeed: 1 + i * 1_000_000 };
    mkdirSync(victim.dir);
    for (let round = 0; round < KILLS / STORES; round += 1) {
      await killOnce(victim, i + round * STORES);
      killed += 1;
      if ((round + 1) % KILLS_PER_CHECK === 0) await check(t, victim);
    }
    t.ok(victim.accepted.size >= KILLS / STORES / 2, `${victim.accepted.size} frames were accepted in all`);
  }));
  t.equal(killed, KILLS);
});
