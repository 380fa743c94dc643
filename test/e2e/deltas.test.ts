/** Updates of a site, and of an endpoint on its own, as deltas: fewer bytes, the same trees, and the full chunks whenever something goes wrong. */
import { execFile } from 'node:child_process';
import { closeSync, cpSync, openSync, readdirSync, readFileSync, statSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import t from 'tap';
import { Branch } from '../../scripts/branch/branch.ts';
import { BRANCHCAST, Daemon, pause } from '../../scripts/branch/daemon.ts';
import { compareTrees } from '../../scripts/compare-trees.ts';
import { makeSampleTree } from './sample-tree.ts';
import { scratchDir } from './scratch-dir.ts';

// Real processes: the runner's deadline (.taprc) is the one that counts.
t.setTimeout(900_000);
const DEADLINE_MS = 180_000;
const LAYER = 'base/sample';

interface Totals {
  readonly wan: { readonly chunkBytes: number };
}
interface ReflectorStatus {
  readonly activity: { readonly wanFrameBytes: number; readonly deltaFrameCount: number; readonly deltaSavedBytes: number; readonly deltaUnusedCount: number };
}

/** A copy of the tree in which every chunk of the large files has changed a little, and a file has moved. */
function nextVersion(from: string, to: string, version: number): void {
  cpSync(from, to, { recursive: true, verbatimSymlinks: true, preserveTimestamps: true });
  for (const name of readdirSync(join(to, 'bin'))) {
    const bytes = readFileSync(join(to, 'bin', name));
    for (let at = version * 100; at < bytes.byteLength; at += 15_000) bytes.write(`v${version} `, at);
    writeFileSync(join(to, 'bin', name), bytes);
  }
  writeFileSync(join(to, 'lib0', 'deep', `added${version}`), `new in ${version}`);
}

function makeVersions(dir: string, largeBytes: number, count: number): string[] {
  const paths = Array.from({ length: count }, (_, at) => join(dir, `source${at + 1}`));
  makeSampleTree(paths[0] as string, largeBytes);
  for (let version = 2; version <= count; version += 1) nextVersion(paths[version - 2] as string, paths[version - 1] as string, version);
  return paths;
}

const chunkBytesSent = async (branch: Branch, path = '/v1/stats'): Promise<number> => (await branch.core.api<Totals>(path)).wan.chunkBytes;

async function applied(agent: Daemon, version: string): Promise<void> {
  await agent.logged((line) => line.msg === 'applied' && line['layer'] === `${LAYER}@${version}`, DEADLINE_MS);
}

await t.test('a site moves from version to version by deltas; where its old chunks rot it takes the full ones', async (t) => {
  const dir = scratchDir(t);
  const [v1, v2, v3] = makeVersions(dir, 12 << 20, 3) as [string, string, string];
  const branch = await Branch.start({ dir });
  t.teardown(() => branch.stop());
  await branch.publish(v1, LAYER, '1');
  await branch.startReflector();
  const agent = await branch.startAgent(1, LAYER);
  await applied(agent, '1');
  const first = await chunkBytesSent(branch);

  const second = await branch.publish(v2, LAYER, '2');
  await applied(agent, '2');
  t.same(await compareTrees(v2, branch.target(1)), [], 'the tree is the second version');
  const moved = (await chunkBytesSent(branch)) - first;
  t.ok(moved < second.newStoredChunkBytes / 5, `${moved} bytes of chunks that are stored in ${second.newStoredChunkBytes}`);
  const { activity } = await branch.reflector.api<ReflectorStatus>('/v1/status');
  t.ok(activity.deltaFrameCount > 0 && activity.deltaUnusedCount === 0 && activity.deltaSavedBytes > second.newStoredChunkBytes / 2);
  t.equal(activity.wanFrameBytes, first + moved, 'the reflector counts what the core sent');
  t.ok(branch.reflector.log.some((line) => line.msg === 'fetched as deltas'));

  // Rot in the cache, found when the old chunks are read for the next deltas.
  await branch.reflector.stop();
  const packs = join(dir, 'reflector-data', 'cache', 'packs');
  for (const name of readdirSync(packs)) {
    const file = openSync(join(packs, name), 'r+');
    for (let at = 300_000; at < statSync(join(packs, name)).size; at += 500_000) writeSync(file, Buffer.alloc(40, 0x5a), 0, 40, at);
    closeSync(file);
  }
  await branch.startReflector();
  await branch.publish(v3, LAYER, '3');
  await applied(agent, '3');
  t.same(await compareTrees(v3, branch.target(1)), [], 'the tree is the third version');
});

await t.test('an endpoint on its own skips a version', async (t) => {
  const dir = scratchDir(t);
  const versions = makeVersions(dir, 8 << 20, 3);
  const branch = await Branch.start({ dir });
  t.teardown(() => branch.stop());
  const pull = async (ref: string, target: string, ...options: readonly string[]): Promise<{ readonly bytes: { readonly core: number } }> => {
    const { stdout } = await promisify(execFile)(BRANCHCAST, ['layer', 'pull', ref, target, '--core', branch.coreUrl, '--json', ...options]);
    return JSON.parse(stdout) as { readonly bytes: { readonly core: number } };
  };
  await branch.publish(versions[0] as string, LAYER, '1');
  for (const name of ['with', 'without']) await pull(`${LAYER}@1`, join(dir, name));
  await branch.publish(versions[1] as string, LAYER, '2');
  const third = await branch.publish(versions[2] as string, LAYER, '3');

  const before = await chunkBytesSent(branch);
  const { bytes } = await pull(`${LAYER}@3`, join(dir, 'with'));
  const sent = (await chunkBytesSent(branch)) - before;
  t.same(await compareTrees(versions[2] as string, join(dir, 'with')), []);
  t.ok(sent < third.newStoredChunkBytes / 5, `${sent} bytes of chunks that are stored in ${third.newStoredChunkBytes}`);
  t.ok(bytes.core >= sent && bytes.core < sent + 200_000, 'it counts what it got');

  await pull(`${LAYER}@3`, join(dir, 'without'), '--no-deltas');
  t.same(await compareTrees(versions[2] as string, join(dir, 'without')), []);
  t.ok((await chunkBytesSent(branch)) - before - sent > third.newStoredChunkBytes / 2, 'and the full chunks without deltas');
});

await t.test('a core killed while it makes and sends deltas', async (t) => {
  const dir = scratchDir(t);
  const [v1, v2] = makeVersions(dir, 48 << 20, 2) as [string, string];
  const branch = await Branch.start({ dir });
  t.teardown(() => branch.stop());
  await branch.publish(v1, LAYER, '1');
  await branch.startReflector({ prefetch: ['*'] });
  const agent = await branch.startAgent(1, LAYER);
  await applied(agent, '1');
  const before = await chunkBytesSent(branch);
  await branch.publish(v2, LAYER, '2');
  while ((await chunkBytesSent(branch)) === before) await pause(5);
  await branch.core.kill();
  const { host } = new URL(branch.coreUrl);
  const again = await Daemon.start({ ...branch.core.spec, name: 'core-again', config: { ...branch.core.spec.config, listen: host } });
  t.teardown(() => again.stop());
  await applied(agent, '2');
  t.same(await compareTrees(v2, branch.target(1)), [], 'the tree is the second version');
});
