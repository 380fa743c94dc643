/** `branchcast agent`: the daemon that keeps the assigned layers on an endpoint. */
import type { Command } from 'commander';
import { agentConfig } from '../agent/config.ts';
import { addGroup } from './command.ts';
import { addStartCommand } from './daemon.ts';

export function addAgentCommands(program: Command): void {
  const group = addGroup(program, 'agent', 'run the agent of an endpoint', ['branchcast agent start --config config/agent.yaml']);
  addStartCommand(group, agentConfig, async () => (await import('../agent/agent.ts')).startAgent);
}
