/** `branchcast layer list`. */
import type { Command } from 'commander';
import { formatBytes } from '../base/units.ts';
import { layerToJson } from '../wan/api-messages.ts';
import { action, addCommand } from './command.ts';
import { coreOption, withCore, type CoreOptions } from './core-url.ts';
import { table, type Outcome } from './outcome.ts';

export function addListCommand(group: Command): void {
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
