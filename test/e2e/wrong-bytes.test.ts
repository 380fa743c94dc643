/** Peers, disks and stores lie; no wrong byte reaches a tree, the culprit is named, and the layer completes from elsewhere. */
import t from 'tap';
import { closeSync, openSync, readdirSync, readSync, statSync, truncateSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { Branch } from '../../scripts/branch/branch.ts';
import { compareTrees } from '../../scripts/compare-trees.ts';
import { makeSampleTree } from './sample-tree.ts';
import { startLyingReflector } from './lying-reflector.ts';
import { scratchDir } from './scratch-dir.ts';

// Real processes and a real network: the runner's deadline (.taprc) is the one that counts.
t.setTimeout(600_000);

const DEADLINE_MS = 60_000;

function packs(dir: string): string[] {
  return readdirSync(dir, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.pack')).map((name) => join(dir, name));
}

/** Flips one byte in the middle of every pack. */
function flipBytes(dir: string): void {
  for (const path of packs(dir)) {
    const fd = openSync(path, 'r+');
    const at = Math.floor(statSync(path).size / 2);
    const byte = Buffer.alloc(1);
    readSync(fd, byte, 0, 1, at);
    byte[0] = (byte[0] ?? 0) ^ 0x01;
    writeSync(fd, byte, 0, 1, at);
    closeSync(fd);
  }
}

async function branchWithLayer(t: Tap, reflector: Record<string, unknown> = {}): Promise<{ branch: Branch; source: string; dir: string }> {
  const dir = scratchDir(t);
  const source = join(dir, 'source');
  makeSampleTree(source, 12 << 20);
  const branch = await Branch.start({ dir, config: { reflector } });
  t.teardown(() => branch.stop());
  await branch.publish(source, 'base/sample', '1');
  return { branch, source, dir };
}
type Tap = typeof t;

t.test("a flipped byte in the reflector's cache", { timeout: 120_000 }, async (t) => {
  const { branch, source, dir } = await branchWithLayer(t as Tap, { prefetch: ['*'] });
  const reflector = await branch.startReflector();
  await reflector.logged((line) => line.msg === 'prefetched', DEADLINE_MS);
  flipBytes(join(dir, 'reflector-data'));
  const agent = await branch.startAgent(1, 'base/sample');
  await agent.logged((line) => line.msg === 'applied', DEADLINE_MS);
  t.same(await compareTrees(source, branch.target(1)), []);
  const status = await reflector.api<{ cache: { corruptCount: number } }>('/v1/status');
  t.ok(status.cache.corruptCount > 0, 'the reflector saw its rot, dropped it, and fetched it again');
});

t.test('a reflector that lies', { timeout: 120_000 }, async (t) => {
  const { branch, source, dir } = await branchWithLayer(t as Tap);
  await branch.startReflector();
  const liar = await startLyingReflector(join(dir, 'liar'), branch.coreUrl);
  t.teardown(() => liar.close());
  const agent = await branch.startAgent(1, 'base/sample', { reflectors: [...liar.addresses, ...(branch.reflector.ready.lan ?? [])] });
  await agent.logged((line) => line.msg === 'applied', DEADLINE_MS);
  t.same(await compareTrees(source, branch.target(1)), [], 'the layer came from the honest one');
  const complaint = await agent.logged((line) => line.code === 'BC_CHUNK_CORRUPT', DEADLINE_MS);
  t.match(complaint.msg, new RegExp(liar.peerId.slice(-8)), 'the liar is named');
  t.equal(complaint.quarantined, true);
});

t.test('a truncated pack at the core', { timeout: 180_000 }, async (t) => {
  const { branch, source, dir } = await branchWithLayer(t as Tap);
  for (const path of packs(join(dir, 'core-data'))) truncateSync(path, Math.floor(statSync(path).size * 0.6));
  await branch.startReflector();
  const agent = await branch.startAgent(1, 'base/sample', { coreFallbackAfterMs: '1 s' });
  const failure = await agent.logged((line) => line.code === 'BC_NO_SOURCE', DEADLINE_MS);
  t.match(failure.msg, /core|reflector/, 'the message names who could not supply');
  t.same(await compareTrees(source, branch.target(1)).catch(() => ['absent']), ['absent'], 'no half of a tree is to be seen');

  // Publishing again heals the core: what it lost counts as missing.
  await branch.core.api('/v1/scrub', { method: 'POST' });
  await branch.publish(source, 'base/sample', '2');
  await agent.logged((line) => line.msg === 'applied', DEADLINE_MS);
  t.same(await compareTrees(source, branch.target(1)), []);
});
