/** `branchcast completion`: scripts that complete commands, options and choices in a shell. */
import type { Command } from 'commander';
import tab from '@bomb.sh/tab/commander';
import { examplesText } from './command.ts';

/** Call it last: it looks at the commands that are there. */
export function addCompletionCommand(program: Command): void {
  tab(program, { completionCommandName: 'completion' });
  program.commands
    .find((command) => command.name() === 'completion')
    ?.description('print the completion script of a shell')
    .addHelpText('after', examplesText(['source <(branchcast completion bash)', 'branchcast completion zsh > "${fpath[1]}/_branchcast"', 'branchcast completion fish > ~/.config/fish/completions/branchcast.fish']));
}
