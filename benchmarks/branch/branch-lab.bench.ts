/**
 * Question: what does one WAN transfer cost, and when does the last endpoint have the layer?
 *
 * A core, a WAN of 50 Mbit/s, one reflector and ten endpoints, each in a network namespace of its own; real processes; bytes as the
 * WAN interface counts them, with all headers. Needs root, iproute2 and ethtool.
 *
 *   node benchmarks/branch/branch-lab.bench.ts [--tree DIR] [--endpoints N] [--rate 50mbit] [--json]
 *
 * DIR defaults to this project's node_modules.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Branch } from '../../scripts/branch/branch.ts';
import { Netlab } from '../../scripts/branch/netlab.ts';
import { compareTrees } from '../../scripts/compare-trees.ts';

const { values } = parseArgs({
  options: {
    tree: { type: 'string', default: join(import.meta.dirname, '..', '..', 'node_modules') },
    endpoints: { type: 'string', default: '10' },
    rate: { type: 'string', default: '50mbit' },
    json: { type: 'boolean', default: false },
  },
});
const endpoints = Number(values.endpoints);
const rateBitsPerSecond = Number(/^(\d+)mbit$/.exec(values.rate)?.[1]) * 1e6;
const DEADLINE_MS = 600_000;

const obstacle = Netlab.obstacle();
if (obstacle !== undefined) {
  process.stderr.write(`this benchmark cannot run here: ${obstacle}\n`);
  process.exit(1);
}

const dir = mkdtempSync(join(tmpdir(), 'branch-lab-'));
const lab = Netlab.up(endpoints, values.rate);
let branch: Branch | undefined;
try {
  branch = await Branch.start({ dir, lab });
  const published = await branch.publish(values.tree, 'lab/tree', '1');
  await branch.startReflector();
  // Endpoints are there before the layer is wanted: their start is not what is measured.
  const startedMs = performance.now();
  const before = lab.wanBytes();
  const { agents } = branch;
  await Promise.all(Array.from({ length: endpoints }, (_, index) => (branch as Branch).startAgent(index + 1, 'lab/tree')));
  await Promise.all(agents.map((agent) => agent.logged((line) => line.msg === 'applied', DEADLINE_MS)));
  const lastSeconds = (performance.now() - startedMs) / 1000;
  const after = lab.wanBytes();

  const downBytes = after.downBytes - before.downBytes;
  // What the WAN alone needs for the layer as it is stored, without any header.
  const floorSeconds = (published.storedBytes * 8) / rateBitsPerSecond;
  const differences: string[] = [];
  for (let number = 1; number <= endpoints; number += 1) differences.push(...(await compareTrees(values.tree, branch.target(number))));
  const result = {
    endpoints,
    rate: values.rate,
    storedBytes: published.storedBytes,
    wanDownBytes: downBytes,
    wanRatio: downBytes / published.storedBytes,
    lastSeconds,
    floorSeconds,
    timeRatio: lastSeconds / floorSeconds,
    peakRssBytes: { core: branch.core.peakRssBytes(), reflector: branch.reflector.peakRssBytes(), agent: Math.max(...agents.map((agent) => agent.peakRssBytes())) },
    differences: differences.length,
  };
  if (values.json) process.stdout.write(`${JSON.stringify(result, null, 2)}\n`);
  else {
    process.stdout.write(`${endpoints} endpoints behind ${values.rate}; layer of ${published.storedBytes} stored bytes\n`);
    process.stdout.write(`WAN bytes down ${downBytes}, ratio to stored ${result.wanRatio.toFixed(4)}\n`);
    process.stdout.write(`last endpoint ${lastSeconds.toFixed(1)} s, WAN alone ${floorSeconds.toFixed(1)} s, ratio ${result.timeRatio.toFixed(3)}\n`);
    process.stdout.write(`peak RSS MB: core ${mb(result.peakRssBytes.core)}, reflector ${mb(result.peakRssBytes.reflector)}, agent ${mb(result.peakRssBytes.agent)}\n`);
    process.stdout.write(`trees that differ from the source: ${differences.length}\n`);
  }
  process.exitCode = differences.length === 0 ? 0 : 1;
} finally {
  await branch?.stop();
  lab.down();
  rmSync(dir, { recursive: true, force: true });
}

function mb(bytes: number): string {
  return (bytes / 1e6).toFixed(0);
}
