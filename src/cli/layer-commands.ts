/** `branchcast layer`: list and show; the verbs that do more have files of their own. */
import type { Command } from 'commander';
import { formatBytes } from '../base/units.ts';
import { layerToJson, type PublishedLayer } from '../wan/api-messages.ts';
import { action, addCommand, addGroup } from './command.ts';
import { coreOption, withCore, type CoreOptions } from './core-url.ts';
import { addDiffCommand } from './layer-diff.ts';
import { addExportCommand } from './layer-export.ts';
import { addImportCommand } from './layer-import.ts';
import { addPlanCommand } from './layer-plan.ts';
import { addPublishCommand } from './layer-publish.ts';
import { addPullCommand } from './layer-pull.ts';
import { addVerifyCommand } from './layer-verify.ts';
import { requireLayer } from './require-layer.ts';
import { facts, table, type Outcome } from './outcome.ts';

export function addLayerCommands(program: Command): void {
  const group = addGroup(program, 'layer', 'publish, look at, pull and verify layers', [
    'branchcast layer publish ./tree --name base/debian --version 12.8',
    'branchcast layer diff base/debian@12.7 base/debian@12.8',
    'branchcast layer pull base/debian /srv/debian --reflector /ip4/10.10.0.1/tcp/7410',
  ]);
  addPublishCommand(group);
  addListCommand(group);
  addShowCommand(group);
  addDiffCommand(group);
  addPlanCommand(group);
  addPullCommand(group);
  addVerifyCommand(group);
  addExportCommand(group);
  addImportCommand(group);
}

function addListCommand(group: Command): void {
  addCommand(group, 'list', 'list the layers of the core, the newest last', ['branchcast layer list', 'branchcast layer list base/debian --json'])
    .argument('[name]', 'only the versions of this layer')
    .addOption(coreOption())
    .action(action(async ({ signal }, name: string | undefined, options: CoreOptions): Promise<Outcome> => {
      const layers = await withCore(options, (client) => client.listLayers({ name, signal }));
      const rows = layers.map((layer) => [
        layer.name, layer.version, layer.kind, layer.fileCount, formatBytes(layer.logicalBytes), formatBytes(layer.storedBytes), formatBytes(layer.newStoredBytes), layer.publishedAt,
      ]);
      return {
        json: { layers: layers.map(layerToJson) },
        text: rows.length === 0 ? 'no layer is published' : table(['NAME', 'VERSION', 'KIND', 'FILES', 'SIZE', 'STORED', 'NEW', 'PUBLISHED'], rows),
      };
    }));
}

function addShowCommand(group: Command): void {
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
