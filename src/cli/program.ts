/** The whole command line: nouns, each with its verbs. */
import { Command } from 'commander';
import { VERSION } from '../base/version.ts';
import { addCommands, examplesText, type Commands } from './command.ts';

/** In the order of the help. */
const NOUNS: Commands = {
  core: async () => (await import('./core-commands.ts')).addCoreCommands,
  reflector: async () => (await import('./reflector-commands.ts')).addReflectorCommands,
  agent: async () => (await import('./agent-commands.ts')).addAgentCommands,
  layer: async () => (await import('./layer-commands.ts')).addLayerCommands,
  site: async () => (await import('./site-commands.ts')).addSiteCommands,
  cache: async () => (await import('./cache-commands.ts')).addCacheCommands,
  config: async () => (await import('./config-commands.ts')).addConfigCommands,
  doctor: async () => (await import('./doctor-command.ts')).addDoctorCommand,
};

/** What asks for the version alone needs no command. */
const VERSION_FLAGS: ReadonlySet<string> = new Set(['-V', '--version']);

/** What a line of these words can mean. */
export async function createProgram(words: readonly string[] = []): Promise<Command> {
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
  if (VERSION_FLAGS.has(words[0] ?? '')) return program;
  const isWhole = await addCommands(program, NOUNS, words);
  // The last: it looks at the commands that are there.
  if (isWhole) (await import('./completion-command.ts')).addCompletionCommand(program);
  return program;
}
