/** The main job, in a network of its own: one WAN transfer feeds every endpoint. Bytes are those that the WAN interface counted. */
import t from 'tap';
import { join } from 'node:path';
import { cpSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { Branch } from '../../scripts/branch/branch.ts';
import { Netlab } from '../../scripts/branch/netlab.ts';
import { compareTrees } from '../../scripts/compare-trees.ts';
import { makeSampleTree } from './sample-tree.ts';
import { scratchDir } from './scratch-dir.ts';

// Real processes and a real network: the runner's deadline (.taprc) is the one that counts.
t.setTimeout(600_000);

const ENDPOINTS = 6;
const APPLY_DEADLINE_MS = 120_000;
const obstacle = Netlab.obstacle();
if (obstacle !== undefined) process.stderr.write(`\n*** SKIPPED: the end-to-end test of a branch network did not run: ${obstacle} ***\n\n`);

t.test('a branch behind a 100 Mbit/s WAN', { skip: obstacle ?? false, timeout: 300_000 }, async (t) => {
  const dir = scratchDir(t);
  const lab = Netlab.up(ENDPOINTS, '100mbit');
  t.teardown(() => lab.down());
  const branch = await Branch.start({ dir, lab });
  t.teardown(() => branch.stop());

  const source = join(dir, 'v1');
  makeSampleTree(source, 48 << 20);
  const first = await branch.publish(source, 'base/sample', '1');
  await branch.startReflector();
  const before = lab.wanBytes();
  for (let number = 1; number <= ENDPOINTS; number += 1) await branch.startAgent(number, 'base/sample');

  const everybodyHas = async (version: string, tree: string): Promise<void> => {
    for (const [index, agent] of branch.agents.entries()) {
      await agent.logged((line) => line.msg === 'applied' && line.layer === `base/sample@${version}`, APPLY_DEADLINE_MS);
      t.same(await compareTrees(tree, branch.target(index + 1)), [], `endpoint ${index + 1} has version ${version}`);
    }
  };
  await everybodyHas('1', source);
  const cold = lab.wanBytes().downBytes - before.downBytes;
  t.ok(cold <= 1.06 * first.storedBytes, `${cold} bytes on the WAN for ${first.storedBytes} stored: ${(cold / first.storedBytes).toFixed(4)}`);

  const next = join(dir, 'v2');
  cpSync(source, next, { recursive: true, preserveTimestamps: true, verbatimSymlinks: true });
  const edited = readFileSync(join(next, 'bin', 'part0'));
  edited.fill('edited', 2 << 20, (2 << 20) + 1000);
  writeFileSync(join(next, 'bin', 'part0'), edited);
  writeFileSync(join(next, 'added'), 'a new file');
  rmSync(join(next, 'lib3'), { recursive: true });
  renameSync(join(next, 'bin', 'part1'), join(next, 'renamed'));
  const second = await branch.publish(next, 'base/sample', '2');
  const warm = lab.wanBytes();
  await everybodyHas('2', next);
  const update = lab.wanBytes().downBytes - warm.downBytes;
  t.ok(update <= 0.03 * second.storedBytes, `${update} bytes for the update of ${second.storedBytes} stored`);
});
