/** The first thing a new user runs: `./scripts/quickstart`. Arguments, Ctrl-C, the temporary directory; scripts/quickstart-parts/ does the rest. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, realpathSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { parseArgs } from 'node:util';
import { reportText } from './quickstart-parts/report.ts';
import { runQuickstart } from './quickstart-parts/run.ts';
import { Screen } from './quickstart-parts/screen.ts';

const USAGE = `usage: ./scripts/quickstart [DIR] [--endpoints N] [--json]

Runs a whole branch on this machine, each part a process of its own: one core, one reflector and N agents (8). Publishes DIR
(the project's own node_modules), lets every agent pull it, and compares each tree with DIR by other means than the product's own.
Then it publishes a second version with real edits and does the same again. Everything is written to a temporary directory
(TMPDIR) that is removed at the end, also on Ctrl-C. Exit code 0 only if every tree matched.

  --endpoints N  number of agents, 1 to 64
  --json         print the report as one JSON document on stdout
`;
const ENDPOINTS_MAX = 64;

interface Arguments {
  readonly tree: string;
  readonly endpointCount: number;
  readonly json: boolean;
}

function parse(): Arguments {
  const { values, positionals } = parseArgs({ allowPositionals: true, options: { endpoints: { type: 'string', default: '8' }, json: { type: 'boolean', default: false }, help: { type: 'boolean', short: 'h' } } });
  if (values.help === true) {
    process.stdout.write(USAGE);
    process.exit(0);
  }
  const endpointCount = Number(values.endpoints);
  if (positionals.length > 1 || !Number.isInteger(endpointCount) || endpointCount < 1 || endpointCount > ENDPOINTS_MAX) throw new Error('wrong arguments');
  const tree = realpathSync(positionals[0] ?? join(import.meta.dirname, '..', 'node_modules'));
  if (!statSync(tree).isDirectory()) throw new Error(`${tree} is not a directory`);
  return { tree, endpointCount, json: values.json };
}

/** Directories of a layer may be read-only: this user's own rights are given back first. */
function remove(dir: string): void {
  if (process.getuid?.() !== 0) execFileSync('chmod', ['-R', 'u+rwX', dir]);
  rmSync(dir, { recursive: true, force: true });
}

async function main(args: Arguments): Promise<number> {
  const dir = realpathSync(mkdtempSync(join(tmpdir(), 'branchcast-quickstart-')));
  const screen = new Screen();
  const cancel = new AbortController();
  const onSignal = (signal: NodeJS.Signals): void => {
    if (!cancel.signal.aborted) screen.say('Cancelled: stopping the processes and cleaning up');
    cancel.abort(new Error(`cancelled by ${signal}`));
  };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  try {
    if (!relative(args.tree, dir).startsWith('..')) throw new Error(`the temporary directory ${dir} is inside ${args.tree}: set TMPDIR to another place`);
    const report = await runQuickstart({ tree: args.tree, endpointCount: args.endpointCount, dir, screen, signal: cancel.signal });
    screen.clear();
    process.stdout.write(`${args.json ? JSON.stringify(report, undefined, 2) : reportText(report)}\n`);
    return report.ok ? 0 : 1;
  } catch (error) {
    screen.clear();
    if (cancel.signal.aborted) return 130;
    throw error;
  } finally {
    remove(dir);
  }
}

try {
  process.exitCode = await main(parse());
} catch (error) {
  process.stderr.write(`error: ${(error as Error).message}\n\n${(error as NodeJS.ErrnoException).code?.startsWith('ERR_PARSE_ARGS') === true || (error as Error).message === 'wrong arguments' ? USAGE : ''}`);
  process.exitCode = 2;
}
