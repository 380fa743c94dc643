/** How every command is made and run: --json, examples, Ctrl-C, and its outcome on stdout. */
import type { Command } from 'commander';
import { BranchcastError } from '../base/errors.ts';
import type { Outcome } from './outcome.ts';
import { createProgress, type Progress } from './progress.ts';

export interface Invocation {
  /** Fires at the first Ctrl-C or SIGTERM. */
  readonly signal: AbortSignal;
  readonly progress: Progress;
}

/** By the word that names each: how it is loaded, and what adds it to its parent, given the words that follow. */
export type Commands = Readonly<Record<string, () => Promise<(parent: Command, words: readonly string[]) => void | Promise<void>>>>;

/**
 * Adds the command that the first of `words` names, or all if it names none. Each brings packages that the others do without, and takes its time to load.
 * Answers whether all are there.
 */
export async function addCommands(parent: Command, commands: Commands, words: readonly string[]): Promise<boolean> {
  const [first = '', ...rest] = words;
  const named = Object.hasOwn(commands, first) ? commands[first] : undefined;
  for (const load of named === undefined ? Object.values(commands) : [named]) await (await load())(parent, rest);
  return named === undefined;
}

/** A command that does something: `usage` is its name and arguments. */
export function addCommand(group: Command, usage: string, summary: string, examples: readonly string[]): Command {
  return group.command(usage).description(summary).option('--json', 'print the result as JSON on stdout').addHelpText('after', examplesText(examples));
}

/** A noun: a group of commands. */
export function addGroup(program: Command, name: string, summary: string, examples: readonly string[]): Command {
  return program.command(name).description(summary).addHelpText('after', examplesText(examples));
}

export function examplesText(examples: readonly string[]): string {
  return `\nExamples:\n${examples.map((example) => `  $ ${example}`).join('\n')}`;
}

/** The action of a command. Its arguments are those that commander passes: the operands, then the options. */
export function action<A extends unknown[]>(handler: (invocation: Invocation, ...args: A) => Promise<Outcome>): (...args: [...A, Command]) => Promise<void> {
  return async (...args) => {
    const command = args.at(-1) as Command;
    const progress = createProgress();
    const cancel = new AbortController();
    const onSignal = (name: NodeJS.Signals): void => {
      if (cancel.signal.aborted) process.exit(130);
      cancel.abort(new BranchcastError('BC_CANCELLED', `cancelled by ${name}`));
    };
    process.on('SIGINT', onSignal);
    process.on('SIGTERM', onSignal);
    try {
      const outcome = await handler({ signal: cancel.signal, progress }, ...(args.slice(0, -1) as A));
      progress.clear();
      print(command.opts<{ json?: boolean }>().json === true ? JSON.stringify(outcome.json, undefined, 2) : outcome.text);
      process.exitCode = outcome.exitCode ?? 0;
    } finally {
      progress.clear();
      process.off('SIGINT', onSignal);
      process.off('SIGTERM', onSignal);
    }
  };
}

export function print(text: string): void {
  if (text !== '') process.stdout.write(`${text}\n`);
}
