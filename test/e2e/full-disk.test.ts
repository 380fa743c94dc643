/** A full disk at each role: a clear error with the shortfall, nothing corrupted, and work goes on when there is room. */
import t from 'tap';
import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Branch } from '../../scripts/branch/branch.ts';
import { compareTrees } from '../../scripts/compare-trees.ts';
import { makeSampleTree } from './sample-tree.ts';
import { scratchDir } from './scratch-dir.ts';

// Real processes and a real network: the runner's deadline (.taprc) is the one that counts.
t.setTimeout(600_000);

const DEADLINE_MS = 60_000;
const root = process.getuid?.() === 0;
if (!root) process.stderr.write('\n*** SKIPPED: the full-disk tests did not run: mounting a small tmpfs needs root ***\n\n');
const skip = root ? false : 'a small tmpfs needs root';

/** A file system of 64 MiB, of which all but `freeMib` is taken by one file; `makeRoom` removes it. */
function smallDisk(t: Tap, path: string, freeMib: number): { makeRoom(): void } {
  mkdirSync(path, { recursive: true });
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=96m,mode=0755', 'tmpfs', path]);
  t.teardown(() => execFileSync('umount', ['-l', path]));
  const ballast = join(path, 'ballast');
  writeFileSync(ballast, Buffer.alloc((96 - freeMib) << 20));
  return { makeRoom: () => rmSync(ballast) };
}
type Tap = typeof t;

t.test('at the core', { skip, timeout: 120_000 }, async (t) => {
  const dir = scratchDir(t);
  const disk = smallDisk(t as Tap, join(dir, 'core-data'), 6);
  const source = join(dir, 'source');
  makeSampleTree(source, 16 << 20);
  const branch = await Branch.start({ dir });
  t.teardown(() => branch.stop());
  const failure = await branch.publish(source, 'base/sample', '1').then(
    () => undefined,
    (error: { stdout: string }) => JSON.parse(error.stdout) as { error: { code: string; details: { shortfallBytes: number } } },
  );
  t.equal(failure?.error.code, 'BC_DISK_FULL');
  t.ok((failure?.error.details.shortfallBytes ?? 0) > 0, 'the shortfall is named');
  t.same((await branch.core.api<{ layers: unknown[] }>('/v1/layers')).layers, [], 'nothing half-visible');
  disk.makeRoom();
  await branch.publish(source, 'base/sample', '1');
  await branch.startReflector();
  const agent = await branch.startAgent(1, 'base/sample');
  await agent.logged((line) => line.msg === 'applied', DEADLINE_MS);
  t.same(await compareTrees(source, branch.target(1)), []);
});

t.test('at the reflector', { skip, timeout: 120_000 }, async (t) => {
  const dir = scratchDir(t);
  const disk = smallDisk(t as Tap, join(dir, 'reflector-data'), 8);
  const source = join(dir, 'source');
  makeSampleTree(source, 24 << 20);
  const branch = await Branch.start({ dir });
  t.teardown(() => branch.stop());
  await branch.publish(source, 'base/sample', '1');
  await branch.startReflector();
  const agent = await branch.startAgent(1, 'base/sample', { coreFallback: 'never' });
  const failure = await agent.logged((line) => line.code === 'BC_DISK_FULL', DEADLINE_MS);
  t.match(failure.msg, /reflector/, 'the endpoint learns whose disk is full');
  disk.makeRoom();
  await agent.logged((line) => line.msg === 'applied', DEADLINE_MS);
  t.same(await compareTrees(source, branch.target(1)), []);
});

t.test('at the endpoint', { skip, timeout: 120_000 }, async (t) => {
  const dir = scratchDir(t);
  const source = join(dir, 'source');
  makeSampleTree(source, 24 << 20);
  const branch = await Branch.start({ dir });
  t.teardown(() => branch.stop());
  await branch.publish(source, 'base/sample', '1');
  await branch.startReflector();
  const disk = smallDisk(t as Tap, join(dir, 'endpoint1'), 8);
  const agent = await branch.startAgent(1, 'base/sample');
  const failure = await agent.logged((line) => line.code === 'BC_DISK_FULL', DEADLINE_MS);
  t.ok(Number((failure.details as { shortfallBytes?: number }).shortfallBytes) > 0, 'the shortfall is named');
  disk.makeRoom();
  await agent.logged((line) => line.msg === 'applied', DEADLINE_MS);
  t.same(await compareTrees(source, branch.target(1)), []);
});
