/** The whole command line: nouns, each with its verbs. */
import { Command } from 'commander';
import { VERSION } from '../base/version.ts';
import { addAgentCommands } from './agent-commands.ts';
import { addCacheCommands } from './cache-commands.ts';
import { examplesText } from './command.ts';
import { addCompletionCommand } from './completion-command.ts';
import { addConfigCommands } from './config-commands.ts';
import { addCoreCommands } from './core-commands.ts';
import { addDoctorCommand } from './doctor-command.ts';
import { addLayerCommands } from './layer-commands.ts';
import { addReflectorCommands } from './reflector-commands.ts';
import { addSiteCommands } from './site-commands.ts';

export function createProgram(): Command {
  const program = new Command('branchcast')
    .description('One WAN transfer feeds a whole branch: publish image layers, fetch them once per site, verify them on every endpoint.')
    .version(VERSION)
    // `--version` after `layer publish` is that of the layer.
    .enablePositionalOptions()
    .exitOverride()
    // run-cli.ts prints errors.
    .configureOutput({ outputError: () => undefined })
    .addHelpText('after', `${examplesText(['branchcast layer publish ./tree --name base/debian --version 12.8', 'branchcast layer list --json', 'branchcast doctor'])}

Exit codes: 0 done, 1 failed, 2 wrong usage or configuration, 3 done in part or a difference was found, 130 cancelled.`);
  addCoreCommands(program);
  addReflectorCommands(program);
  addAgentCommands(program);
  addLayerCommands(program);
  addSiteCommands(program);
  addCacheCommands(program);
  addConfigCommands(program);
  addDoctorCommand(program);
  addCompletionCommand(program);
  return program;
}
