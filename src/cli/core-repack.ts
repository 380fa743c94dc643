/** `branchcast core repack`: makes first copies of layers smaller, now, and shows how that goes. */
import type { Command } from 'commander';
import { systemClock } from '../base/clock.ts';
import { BranchcastError } from '../base/errors.ts';
import { REPACK_POLL_MS } from '../base/limits/commands.ts';
import { formatBytes } from '../base/units.ts';
import type { RepackStatus } from '../wan/api-messages.ts';
import { action, addCommand } from './command.ts';
import { coreOption, withCore, type CoreOptions } from './core-url.ts';
import { facts, type Outcome } from './outcome.ts';

interface RepackOptions extends CoreOptions {
  readonly status: boolean;
}

export function addRepackCommand(group: Command): void {
  addCommand(group, 'repack', 'make the first copies of layers smaller: longer frames, compressed harder', [
    'branchcast core repack',
    'branchcast core repack base/debian@12.8 --core http://core:7400',
    'branchcast core repack --status --json',
  ])
    .argument('[layer]', 'name@version, a name for its newest version, or a root; without it the newest version of every name')
    .option('--status', 'only show how it stands', false)
    .addOption(coreOption())
    .action(action(async ({ signal, progress }, layer: string | undefined, options: RepackOptions): Promise<Outcome> => {
      const status = await withCore(options, async (client) => {
        if (options.status) return client.repackStatus({ signal });
        // The core goes on if this command is cancelled.
        let latest = await client.startRepack(layer, { signal });
        // Whatever was asked for, by others too. What the core repacks by itself is not waited for: it waits until nobody publishes.
        while (latest.askedCount > 0) {
          progress.update(`repack: ${latest.askedCount} to do, now ${latest.layer ?? 'beginning'}, ${formatBytes(latest.doneBytes ?? 0)} of ${formatBytes(latest.totalBytes ?? 0)}`);
          await systemClock.sleep(REPACK_POLL_MS, signal);
          latest = await client.repackStatus({ signal });
        }
        if (latest.state === 'failed') throw new BranchcastError('BC_STORE_DAMAGED', `repacking failed: ${latest.error ?? 'no reason was given'}`);
        return latest;
      });
      return { json: status, text: text(status) };
    }));
}

function text(status: RepackStatus): string {
  return facts([
    ['state', status.layer === undefined ? status.state : `${status.state}: ${status.layer}`],
    ['layers since the start', status.layerCount],
    ['frames made', status.frameCount],
    ['first copies smaller by', formatBytes(status.savedBytes)],
    ['packs gone', formatBytes(status.freedBytes)],
  ]);
}
