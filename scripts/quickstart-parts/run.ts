/** The quickstart itself: a branch of real processes, a layer, a second version of it, and a comparison of every tree. */
import { join } from 'node:path';
import { Branch } from '../branch/branch.ts';
import { differences, fingerprintTree } from '../compare-trees.ts';
import type { EndpointReport, QuickstartReport, StepReport } from './report.ts';
import type { Screen } from './screen.ts';
import { makeSecondVersion } from './second-version.ts';
import { wanCount, watchUntilApplied } from './watch.ts';

const LAYER = 'quickstart/tree';
const DIFFERENCES_SHOWN_MAX = 5;

export interface QuickstartOptions {
  /** Published as the first version. */
  readonly tree: string;
  readonly endpointCount: number;
  /** Everything that is written is written below it. */
  readonly dir: string;
  readonly screen: Screen;
  readonly signal: AbortSignal;
}

export async function runQuickstart(options: QuickstartOptions): Promise<QuickstartReport> {
  const { tree, endpointCount, dir, screen, signal } = options;
  screen.say(`Starting a core, a reflector and ${endpointCount} agents`);
  const branch = await Branch.start({ dir });
  try {
    await branch.startReflector();
    signal.throwIfAborted();
    const starts = await Promise.allSettled(Array.from({ length: endpointCount }, (_, index) => branch.startAgent(index + 1, LAYER)));
    const failed = starts.find((start) => start.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
    signal.throwIfAborted();

    const first = await runStep(branch, tree, '1.0', options);
    const second = join(dir, 'second-version');
    const edits = await makeSecondVersion(tree, second, signal);
    screen.say(`Made a second version: ${Object.entries(edits).map(([edit, path]) => `${edit} ${path}`).join(', ')}`);
    const steps = [first, await runStep(branch, second, '2.0', options)];
    return { ok: steps.every((step) => step.endpoints.every((endpoint) => endpoint.matched)), steps };
  } finally {
    screen.say('Stopping');
    await branch.stop();
  }
}

async function runStep(branch: Branch, tree: string, version: string, { screen, signal }: QuickstartOptions): Promise<StepReport> {
  const before = await wanCount(branch);
  screen.say(`Publishing ${tree} as ${LAYER}@${version}`);
  const publishStartedMs = performance.now();
  const published = await branch.publish(tree, LAYER, version, signal);
  const publishSeconds = (performance.now() - publishStartedMs) / 1000;

  screen.say('Waiting for every agent');
  const watched = await watchUntilApplied(branch, version, screen, signal);
  const after = await wanCount(branch);

  screen.say(`Comparing ${branch.agents.length} trees with the source`);
  const source = await fingerprintTree(tree);
  const endpoints: EndpointReport[] = [];
  for (const [index, endpoint] of watched.endpoints.entries()) {
    signal.throwIfAborted();
    const found = differences(source, await fingerprintTree(branch.target(index + 1)));
    for (const line of found.slice(0, DIFFERENCES_SHOWN_MAX)) screen.say(`agent ${index + 1} differs: ${line}`);
    endpoints.push({ id: `agent ${index + 1}`, matched: found.length === 0, seconds: endpoint.seconds ?? 0, bytes: endpoint.bytes });
  }

  const chunkBytes = after.chunkBytes - before.chunkBytes;
  return {
    layer: `${LAYER}@${version}`,
    root: published.root,
    files: published.fileCount,
    logicalBytes: published.logicalBytes,
    chunks: published.chunkCount,
    uniqueBytes: published.chunkBytes,
    storedBytes: published.storedBytes,
    newStoredBytes: published.newStoredBytes,
    wan: {
      bytes: after.bytes - before.bytes,
      chunkBytes,
      manifestBytes: after.manifestBytes - before.manifestBytes,
      amplification: chunkBytes / Math.max(1, published.newStoredChunkBytes),
    },
    seconds: { publish: publishSeconds, wan: watched.wanSeconds, lastEndpoint: watched.lastSeconds },
    endpoints,
  };
}
