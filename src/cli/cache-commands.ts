/** `branchcast cache`: the chunk cache of a reflector, or the store of a core. */
import { Option, type Command } from 'commander';
import { systemClock } from '../base/clock.ts';
import { BranchcastError } from '../base/errors.ts';
import { SCRUB_POLL_MS } from '../base/limits/commands.ts';
import { formatBytes } from '../base/units.ts';
import type { ScrubStatus } from '../wan/api-messages.ts';
import { action, addCommand, addGroup, type Invocation } from './command.ts';
import { withCore } from './core-url.ts';
import { facts, type Outcome } from './outcome.ts';
import { reflectorScrub, reflectorStatus, startReflectorScrub } from './reflector-api.ts';

interface CacheOptions {
  readonly reflectorApi: string;
  readonly core?: string;
}

export function addCacheCommands(program: Command): void {
  const group = addGroup(program, 'cache', 'the chunk cache of a reflector', ['branchcast cache status', 'branchcast cache scrub']);

  addCommand(group, 'status', 'how full the cache is, and how often it had what was asked for', ['branchcast cache status --reflector-api http://127.0.0.1:7411'])
    .addOption(reflectorApiOption())
    .addOption(storeOfCoreOption())
    .action(action(async ({ signal }, options: CacheOptions): Promise<Outcome> => {
      if (options.core !== undefined) {
        const stats = await withCore({ core: options.core }, (client) => client.stats({ signal }));
        return { json: stats, text: facts(storeFacts(stats.store)) };
      }
      const status = await reflectorStatus(options.reflectorApi, signal);
      const core = status.coreReachable === undefined ? '' : status.coreReachable ? ' (reachable)' : ' (not reachable)';
      return { json: status, text: facts([['site', status.site], ['core', `${status.coreUrl}${core}`], ['layers known', status.layerCount], ['endpoints connected', status.connectionCount], ...storeFacts(status.cache)]) };
    }));

  addCommand(group, 'scrub', 'read and verify every chunk; what is wrong is dropped and fetched anew when it is wanted', ['branchcast cache scrub', 'branchcast cache scrub --core http://core:7400'])
    .addOption(reflectorApiOption())
    .addOption(storeOfCoreOption())
    .action(action(async (invocation, options: CacheOptions): Promise<Outcome> => {
      const { signal } = invocation;
      const { core } = options;
      if (core === undefined) return scrub(invocation, () => startReflectorScrub(options.reflectorApi, signal), () => reflectorScrub(options.reflectorApi, signal));
      return withCore({ core }, (client) => scrub(invocation, () => client.startScrub({ signal }), () => client.scrubStatus({ signal })));
    }));
}

function reflectorApiOption(): Option {
  return new Option('--reflector-api <url>', "address of the reflector's local API").default('http://127.0.0.1:7411');
}

function storeOfCoreOption(): Option {
  return new Option('--core <url>', 'the store of this core instead of the cache of a reflector');
}

/** Starts it, or joins the one that runs, and follows it to its end. The daemon goes on if this command is cancelled. */
async function scrub({ signal, progress }: Invocation, start: () => Promise<ScrubStatus>, poll: () => Promise<ScrubStatus>): Promise<Outcome> {
  let status = await start();
  while (status.state === 'running') {
    progress.update(`scrub: ${formatBytes(status.doneBytes ?? 0)} of ${formatBytes(status.totalBytes ?? 0)}`);
    await systemClock.sleep(SCRUB_POLL_MS, signal);
    status = await poll();
  }
  if (status.state !== 'done') throw new BranchcastError('BC_STORE_DAMAGED', `the scrub ended as "${status.state}": ${status.error ?? 'no reason was given'}`);
  const droppedCount = status.droppedCount ?? 0;
  const text = facts([['frames', status.frameCount ?? 0], ['chunks', status.chunkCount ?? 0], ['wrong chunks, dropped', droppedCount]]);
  return { json: status, text, exitCode: droppedCount > 0 ? 3 : 0 };
}

interface StoreFigures {
  readonly chunkCount: number;
  readonly packCount: number;
  readonly rawBytes: number;
  readonly storedBytes: number;
  readonly quotaBytes?: number;
  readonly pinnedBytes: number;
  readonly evictedBytes: number;
  readonly hitCount: number;
  readonly missCount: number;
  readonly corruptCount: number;
}

function storeFacts(store: StoreFigures): [string, string | number][] {
  const asked = store.hitCount + store.missCount;
  return [
    ['chunks', store.chunkCount],
    ['packs', store.packCount],
    ['bytes of chunks', formatBytes(store.rawBytes)],
    ['bytes on disk', formatBytes(store.storedBytes)],
    ['quota', store.quotaBytes === undefined ? 'none' : `${formatBytes(store.quotaBytes)} (${((100 * store.storedBytes) / store.quotaBytes).toFixed(1)} % used)`],
    ['pinned', formatBytes(store.pinnedBytes)],
    ['evicted so far', formatBytes(store.evictedBytes)],
    ['hits', asked === 0 ? 'nothing was asked for yet' : `${store.hitCount} of ${asked} (${((100 * store.hitCount) / asked).toFixed(1)} %)`],
    ['corrupt so far', store.corruptCount],
  ];
}
