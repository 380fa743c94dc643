/** Runs one command line and gives its exit code. Errors are printed here and nowhere else. */
import { CommanderError } from 'commander';
import { asBranchcastError, BranchcastError } from '../base/errors.ts';
import { print } from './command.ts';
import { createProgram } from './program.ts';

export async function runCli(argv: readonly string[]): Promise<number> {
  const program = await createProgram(argv);
  // A reader of stdout that has seen enough (`… | head`) is no error.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));
  try {
    await program.parseAsync(argv, { from: 'user' });
    return Number(process.exitCode ?? 0);
  } catch (thrown) {
    // Help and version were asked for and are printed.
    if (thrown instanceof CommanderError && thrown.exitCode === 0) return 0;
    // Help that was shown because the line stops short of a command.
    if (thrown instanceof CommanderError && thrown.code === 'commander.help') return 2;
    const error = thrown instanceof CommanderError ? new BranchcastError('BC_USAGE', thrown.message.replace(/^error: /, ''), { cause: thrown }) : asBranchcastError(thrown);
    printError(error, argv.includes('--json'));
    return error.kind.exit;
  }
}

function printError(error: BranchcastError, asJson: boolean): void {
  if (asJson) {
    const { code, message, details, kind } = error;
    print(JSON.stringify({ error: { code, message, details, advice: kind.advice } }, undefined, 2));
    return;
  }
  process.stderr.write(`error ${error.code}: ${error.message}\n  ${error.kind.advice}\n`);
  if (error.code === 'BC_INTERNAL') process.stderr.write(`${String(error.stack)}\n${describeCause(error)}`);
}

/** A bug is reported with everything that leads to its place. */
function describeCause(error: Error): string {
  return error.cause instanceof Error ? `caused by ${String(error.cause.stack)}\n${describeCause(error.cause)}` : '';
}
