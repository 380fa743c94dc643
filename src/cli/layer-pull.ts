/** `branchcast layer pull`: brings a directory to a layer, once, as an agent would. */
import { Option, type Command } from 'commander';
import type { PullProgress, PullResult } from '../agent/pull-layer.ts';
import { systemClock } from '../base/clock.ts';
import { PULL_CORE_AFTER_MS, PULL_GIVE_UP_MS } from '../base/limits/commands.ts';
import { formatBytes, formatDuration } from '../base/units.ts';
import { formatRoot } from '../chunking/digest.ts';
import { action, addCommand, type Invocation } from './command.ts';
import { DEFAULT_CORE_URL } from './core-url.ts';
import { facts, type Outcome } from './outcome.ts';

interface PullOptions {
  readonly reflector: readonly string[];
  readonly core?: string;
  readonly site: string;
  readonly adopt?: boolean;
  readonly deltas: boolean;
  readonly spare: boolean;
}

export function addPullCommand(group: Command): void {
  addCommand(group, 'pull', 'bring a directory to a layer, once; `agent start` does it for good', [
    'branchcast layer pull base/debian@12.8 /srv/debian --reflector /ip4/10.10.0.1/tcp/7410',
    'branchcast layer pull base/debian /srv/debian --core http://core:7400',
  ])
    .argument('<layer>', 'name@version, or a name for its newest version')
    .argument('<dir>', 'directory that becomes the layer; made if it is not there')
    .option('--reflector <multiaddr>', 'a reflector to take it from; may be repeated, the preferred one first', (address: string, others: string[]) => [...others, address], [])
    .addOption(new Option('--core <url>', `address of the core, for what no reflector has (without --reflector: ${DEFAULT_CORE_URL})`).env('BRANCHCAST_CORE_URL'))
    .option('--site <site>', 'name of the site, by which the core counts', 'default')
    .option('--no-deltas', 'fetch what changed whole, not as deltas against the version in the directory')
    .option('--no-spare', 'keep no second tree of the files beside the directory, of which the next update is made in less time')
    .option('--adopt', 'replace files in the directory that branchcast did not put there')
    .action(action(async (invocation, ref: string, dir: string, options: PullOptions): Promise<Outcome> => {
      const startedMs = performance.now();
      const result = await pull(ref, dir, options, invocation);
      return outcome(dir, result, performance.now() - startedMs);
    }));
}

async function pull(ref: string, target: string, options: PullOptions, { signal, progress }: Invocation): Promise<PullResult> {
  // libp2p and the rest of an agent take long to load: other commands do without.
  const [{ pullLayer }, { createSiteSources }, { createLanHost }, { generateKeyPair }, { createLog }] = await Promise.all([
    import('../agent/pull-layer.ts'), import('../agent/site-sources.ts'), import('../swarm/lan-host.ts'), import('@libp2p/crypto/keys'), import('../base/log.ts'),
  ]);
  const log = createLog('cli', 'warn');
  // Nobody needs to know this process again.
  const host = await createLanHost({ privateKey: await generateKeyPair('Ed25519'), listen: [], log });
  const site = createSiteSources({
    reflectors: options.reflector,
    coreUrl: options.core ?? (options.reflector.length === 0 ? DEFAULT_CORE_URL : undefined),
    coreFallback: 'allow',
    coreFallbackAfterMs: PULL_CORE_AFTER_MS,
    giveUpAfterMs: PULL_GIVE_UP_MS,
    site: options.site,
    host,
    clock: systemClock,
    log,
  });
  try {
    return await pullLayer({ ref, target, adopt: options.adopt ?? false, deltas: options.deltas, spare: options.spare, sources: site.sources, signal, onProgress: (now) => progress.update(progressLine(now)) });
  } finally {
    await site.close();
    await host.close();
  }
}

function progressLine({ state, layer, neededBytes, doneBytes }: PullProgress): string {
  if (state === 'in force' && layer !== undefined) return `pull: ${layer.name}@${layer.version} is in force, what was there before is being removed`;
  return neededBytes === 0 ? `pull: ${state}` : `pull: ${state}, ${formatBytes(doneBytes)} of ${formatBytes(neededBytes)}`;
}

function outcome(dir: string, { layer, changed, bytes }: PullResult, ms: number): Outcome {
  const { name, version } = layer;
  const root = formatRoot(layer.root);
  const text = facts([
    ['layer', `${name}@${version}`],
    ['root', root],
    ['directory', changed ? dir : `${dir}, which was that layer already`],
    ['from reflectors', formatBytes(bytes.reflector)],
    ['from the core', formatBytes(bytes.core)],
    ['from this disk', formatBytes(bytes.seed)],
    ['time', formatDuration(ms)],
  ]);
  return { json: { name, version, root, changed, bytes, seconds: ms / 1000 }, text };
}
