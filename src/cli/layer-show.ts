/** `branchcast layer show`. */
import type { Command } from 'commander';
import { formatBytes } from '../base/units.ts';
import { layerToJson, type PublishedLayer } from '../wan/api-messages.ts';
import { action, addCommand } from './command.ts';
import { coreOption, withCore, type CoreOptions } from './core-url.ts';
import { requireLayer } from './require-layer.ts';
import { facts, type Outcome } from './outcome.ts';

export function addShowCommand(group: Command): void {
  addCommand(group, 'show', 'show what a layer is and what it weighs', ['branchcast layer show base/debian@12.8', 'branchcast layer show base/debian --json'])
    .argument('<layer>', 'name@version, a name for its newest version, or a root')
    .addOption(coreOption())
    .action(action(async ({ signal }, ref: string, options: CoreOptions): Promise<Outcome> => {
      const layer = await withCore(options, (client) => requireLayer(client, ref, signal));
      const json = layerToJson(layer);
      return {
        json,
        text: facts([
          ['layer', `${layer.name}@${layer.version}`],
          ['kind', layer.kind],
          ['root', json.root],
          ['descriptor', json.descriptor],
          ['published', layer.publishedAt],
          ['entries', `${layer.entryCount}, of them files ${layer.fileCount}`],
          ['logical size', formatBytes(layer.logicalBytes)],
          ['unique chunks', `${layer.chunkCount}, ${formatBytes(layer.chunkBytes)}`],
          ['manifest', `${layer.manifestNodeCount} nodes, ${formatBytes(layer.manifestBytes)}`],
          ['stored', formatBytes(layer.storedBytes)],
          ['of that new', formatBytes(layer.newStoredBytes)],
          ...repackedFacts(layer),
        ]),
      };
    }));
}

function repackedFacts({ repacked }: PublishedLayer): [string, string][] {
  if (repacked === undefined) return [['repacked', 'not yet']];
  const { beforeBytes, afterBytes, finishedAt } = repacked;
  return [['repacked', `${formatBytes(afterBytes)} of chunks, before it ${formatBytes(beforeBytes)}; ${finishedAt}`]];
}
