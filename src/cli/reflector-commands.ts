/** `branchcast reflector`: the daemon that fetches each chunk over the WAN once and serves its site. */
import type { Command } from 'commander';
import { reflectorConfig } from '../reflector/config.ts';
import { addGroup } from './command.ts';
import { addStartCommand } from './daemon.ts';

export function addReflectorCommands(program: Command): void {
  const group = addGroup(program, 'reflector', 'run the reflector of a site', ['branchcast reflector start --config config/reflector.yaml']);
  addStartCommand(group, reflectorConfig, async () => (await import('../reflector/reflector.ts')).startReflector);
}
