/** One distribution of a tree in the branch lab: a core, a shaped WAN, one reflector, N endpoints, each in a network namespace of its own; real processes. */
import { Branch } from '../../scripts/branch/branch.ts';
import { Netlab } from '../../scripts/branch/netlab.ts';
import { cpuSeconds, statusBytes } from '../../scripts/branch/process-usage.ts';
import { compareTrees } from '../../scripts/compare-trees.ts';

const DEADLINE_MS = 600_000;

export interface LabOptions {
  readonly tree: string;
  readonly endpoints: number;
  /** As tc(8) writes it, in Mbit: `50mbit`. */
  readonly rate: string;
  /** An empty directory for what the processes write. */
  readonly dir: string;
}

export interface LabReport {
  readonly storedBytes: number;
  /** As the WAN interface counts them, with all headers. */
  readonly wanDownBytes: number;
  /** From the moment in which the core has the layer to that in which the last endpoint has it. */
  readonly lastSeconds: number;
  /** What the WAN alone needs for the layer as it is stored, without any header. */
  readonly floorSeconds: number;
  readonly cpuSeconds: { readonly reflector: number; readonly agentMean: number };
  readonly peakRssBytes: { readonly core: number; readonly reflector: number; readonly agent: number };
  /** Trees are compared with the source by other means than the product's own. */
  readonly differenceCount: number;
}

export async function runLab({ tree, endpoints, rate, dir }: LabOptions): Promise<LabReport> {
  const obstacle = Netlab.obstacle();
  if (obstacle !== undefined) throw new Error(`the branch lab cannot run here: ${obstacle}`);
  const rateBitsPerSecond = Number(/^(\d+)mbit$/.exec(rate)?.[1]) * 1e6;
  const lab = Netlab.up(endpoints, rate);
  let branch: Branch | undefined;
  try {
    branch = await Branch.start({ dir, lab });
    await branch.startReflector();
    const { agents } = branch;
    await Promise.all(Array.from({ length: endpoints }, (_, index) => (branch as Branch).startAgent(index + 1, 'lab/tree')));
    const before = lab.wanBytes();
    // The branch is up and waits for the layer: the clock starts when the core has it.
    const published = await branch.publish(tree, 'lab/tree', '1');
    const startedMs = performance.now();
    const cpuBefore = { reflector: cpuSeconds(branch.reflector.pid), agents: agents.map(({ pid }) => cpuSeconds(pid)) };
    await Promise.all(agents.map((agent) => agent.logged((line) => line.msg === 'applied', DEADLINE_MS)));
    const lastSeconds = (performance.now() - startedMs) / 1000;
    const after = lab.wanBytes();
    const spentSeconds = {
      reflector: cpuSeconds(branch.reflector.pid) - cpuBefore.reflector,
      agentMean: agents.reduce((sum, { pid }, index) => sum + cpuSeconds(pid) - (cpuBefore.agents[index] ?? 0), 0) / endpoints,
    };
    const peakBytes = ({ pid }: { readonly pid: number }): number => statusBytes(pid, 'VmHWM');
    const peakRssBytes = { core: peakBytes(branch.core), reflector: peakBytes(branch.reflector), agent: Math.max(...agents.map(peakBytes)) };
    let differenceCount = 0;
    for (let number = 1; number <= endpoints; number += 1) differenceCount += (await compareTrees(tree, branch.target(number))).length;
    const { storedBytes } = published;
    return { storedBytes, wanDownBytes: after.downBytes - before.downBytes, lastSeconds, floorSeconds: (storedBytes * 8) / rateBitsPerSecond, cpuSeconds: spentSeconds, peakRssBytes, differenceCount };
  } finally {
    await branch?.stop();
    lab.down();
  }
}
