/** `branchcast core`: the catalog and store that publishers and sites talk to. */
import type { Command } from 'commander';
import { coreConfig } from '../core/config.ts';
import { addGroup } from './command.ts';
import { addRepackCommand } from './core-repack.ts';
import { addStartCommand } from './daemon.ts';

export function addCoreCommands(program: Command): void {
  const group = addGroup(program, 'core', 'run the core: catalog and store of layers', ['branchcast core start --config config/core.yaml']);
  addRepackCommand(group);
  addStartCommand(group, coreConfig, async () => (await import('../core/core.ts')).startCore);
}
