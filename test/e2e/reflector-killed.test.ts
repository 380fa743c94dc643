/** A reflector killed with -9 in mid-transfer and started again: every endpoint completes, and next to nothing crosses the WAN twice. */
import t from 'tap';
import { join } from 'node:path';
import { Branch } from '../../scripts/branch/branch.ts';
import { pause } from '../../scripts/branch/daemon.ts';
import { Netlab } from '../../scripts/branch/netlab.ts';
import { FETCH_BATCHES_MAX } from '../../src/base/limits/fetching.ts';
import { WAN_WINDOW_BYTES } from '../../src/base/limits/wan.ts';
import { compareTrees } from '../../scripts/compare-trees.ts';
import { makeSampleTree } from './sample-tree.ts';
import { scratchDir } from './scratch-dir.ts';

// Real processes and a real network: the runner's deadline (.taprc) is the one that counts.
t.setTimeout(600_000);

const ENDPOINTS = 3;
const KILLS = 2;
/** What is in flight at a kill is about 1 MB whatever the layer: little of a layer that takes half a minute. */
const TREE_BYTES = 384 << 20;
const RATE = '50mbit';
/** What a first copy without a kill puts on the interface for a stored byte, manifest and headers included: 1.046 to 1.048 (benchmarks/branch). */
const WAN_HEADERS_RATIO = 1.048;
const DEADLINE_MS = 120_000;
const obstacle = Netlab.obstacle();
if (obstacle !== undefined) process.stderr.write(`\n*** SKIPPED: the reflector was not killed in mid-transfer: a slow WAN needs namespaces, and ${obstacle} ***\n\n`);

interface SiteTotals {
  readonly wan: { readonly chunkBytes: number };
}

t.test('kill -9 and restart', { skip: obstacle ?? false, timeout: 300_000 }, async (t) => {
  const dir = scratchDir(t);
  const lab = Netlab.up(ENDPOINTS, RATE);
  t.teardown(() => lab.down());
  const branch = await Branch.start({ dir, lab });
  t.teardown(() => branch.stop());
  const source = join(dir, 'source');
  makeSampleTree(source, TREE_BYTES);
  const { storedBytes } = await branch.publish(source, 'base/sample', '1');
  const { downBytes: downBytesBefore } = lab.wanBytes();
  await branch.startReflector();
  for (let number = 1; number <= ENDPOINTS; number += 1) await branch.startAgent(number, 'base/sample');

  const sentChunkBytes = async (): Promise<number> => (await branch.core.api<SiteTotals>('/v1/sites/branch')).wan.chunkBytes;
  for (let kill = 1; kill <= KILLS; kill += 1) {
    while ((await sentChunkBytes()) < (storedBytes * kill) / (KILLS + 1)) await pause(50);
    await branch.reflector.kill();
    await branch.startReflector();
  }
  for (const [index, agent] of branch.agents.entries()) {
    await agent.logged((line) => line.msg === 'applied', DEADLINE_MS);
    t.same(await compareTrees(source, branch.target(index + 1)), [], `endpoint ${index + 1} completes`);
  }
  // On the wire, since the core also counts what a socket held back and dropped at the kill. Frames with their TCP and IP headers are 4.6 % more.
  const { downBytes } = lab.wanBytes();
  const twice = (downBytes - downBytesBefore) / storedBytes - WAN_HEADERS_RATIO;
  t.comment(`WAN interface ${downBytes - downBytesBefore}, handed to sockets ${await sentChunkBytes()}, stored ${storedBytes}: ${(twice * 100).toFixed(2)} % twice after ${KILLS} kills`);
  // 1 % where the reflector keeps up with its WAN. On a machine that is short of processor time, what waits in its window to be verified goes as well.
  t.ok(twice * storedBytes < KILLS * (FETCH_BATCHES_MAX * WAN_WINDOW_BYTES), 'no more crossed the WAN twice than the window holds');
  const { activity } = await branch.reflector.api<{ activity: { wanFrameBytes: number; wanNewBytes: number } }>('/v1/status');
  t.ok(activity.wanFrameBytes - activity.wanNewBytes < 0.01 * storedBytes, 'less than 1 % was fetched although it was stored');
});
