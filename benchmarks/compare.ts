/** `npm run bench:compare`: what got slower or bigger between two runs. */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { basename, join, relative } from 'node:path';
import { parseArgs } from 'node:util';
import { MiB } from '../src/base/units.ts';
import { compareResults, type Change } from './runner/compare.ts';
import { formatMetric, headingOf } from './runner/metric.ts';
import { parseResult, readReferences, readResult, resultsIn, RESULTS_DIR, RUNS_DIR, type Result } from './runner/result.ts';

const USAGE = `usage: npm run bench:compare -- [A [B]] [--bound PERCENT] [--all] [--json]

Shows what got slower or bigger from A to B: result files, directories of them, or commits. Of a commit the newest run in benchmarks/results/runs/ is
taken, or else the results that the commit itself holds in benchmarks/results/. Default: A is benchmarks/results/, B is the newest run.
Times are held beside those of the peers of the same run; what is within the noise of the samples does not count.

  --bound PERCENT  what may get worse (10)
  --all            also what stayed the same
  --json           the changes as one JSON document

Exit codes: 0 nothing got worse; 1 something did; 2 wrong arguments, or nothing to compare.
Examples:
  npm run bench:compare
  npm run bench:compare -- main HEAD --bound 5
  npm run bench:compare -- old/cut.json new/cut.json
`;
const GIT_OUTPUT_BYTES_MAX = 256 * MiB;

class UsageError extends Error {}

/** Newest first: their names begin with the time. */
function runs(): string[] {
  return existsSync(RUNS_DIR) ? readdirSync(RUNS_DIR).toSorted().reverse().map((name) => join(RUNS_DIR, name)) : [];
}

function resultsOf(what: string): Result[] {
  if (what === RESULTS_DIR) return readReferences();
  if (existsSync(what)) return statSync(what).isDirectory() ? resultsIn(what) : [readResult(what)];
  const { status, stdout } = spawnSync('git', ['rev-parse', '--verify', '--quiet', '--end-of-options', `${what}^{commit}`], { encoding: 'utf8', cwd: import.meta.dirname });
  if (status !== 0) throw new UsageError(`${what} is neither a file nor a directory nor a commit`);
  const commit = stdout.trim();
  const run = runs().find((dir) => basename(dir).includes(`-${commit.slice(0, 12)}-`));
  if (run !== undefined) return resultsIn(run);
  const git = (...args: string[]): string => execFileSync('git', args, { encoding: 'utf8', cwd: RESULTS_DIR, maxBuffer: GIT_OUTPUT_BYTES_MAX });
  const names = git('ls-tree', '--name-only', commit, '--', './').split('\n').filter((name) => name.endsWith('.json'));
  return names.map((name) => parseResult(git('show', `${commit}:./${name}`), `${what}:${name}`));
}

function line({ benchmark, table, row, metric, before, after, worse, noise, verdict }: Change): string {
  const times = worse >= 1 ? worse : 1 / worse;
  const change = Number.isFinite(times) ? `${worse >= 1 ? 'x' : '/'}${times.toFixed(2)} ${worse >= 1 ? 'worse' : 'better'}` : worse === 0 ? 'nothing any more: better' : 'nothing before: worse';
  return `${verdict.padEnd(8)}${benchmark}: ${table}: ${row}: ${headingOf(metric)} ${formatMetric(metric, before)} -> ${formatMetric(metric, after)} (${change}, noise ${(100 * noise).toFixed(0)} %)`;
}

function main(): number {
  const { values, positionals } = parseArgs({ allowPositionals: true, options: { bound: { type: 'string', default: '10' }, all: { type: 'boolean', default: false }, json: { type: 'boolean', default: false }, help: { type: 'boolean', short: 'h' } } });
  if (values.help === true) {
    process.stdout.write(USAGE);
    return 0;
  }
  const bound = Number(values.bound) / 100;
  if (!(bound >= 0) || positionals.length > 2) throw new UsageError('wrong arguments');
  const [a = RESULTS_DIR, b = runs()[0]] = positionals;
  if (b === undefined) throw new UsageError('there is no run yet: npm run bench');
  const [before, after] = [resultsOf(a), resultsOf(b)];
  const both = after.flatMap((now) => before.filter(({ name }) => name === now.name).map((old) => compareResults(old, now, bound)));
  if (both.length === 0) throw new UsageError(`${relative('.', a)} and ${relative('.', b)} have no benchmark in common`);
  const changes = both.flatMap((one) => one.changes).toSorted((x, y) => y.worse - x.worse);
  const notes = both.flatMap((one) => one.notes);
  if (values.json) process.stdout.write(`${JSON.stringify({ changes, notes }, undefined, 1)}\n`);
  else {
    for (const change of changes) if (values.all || change.verdict !== 'same') process.stdout.write(`${line(change)}\n`);
    for (const note of notes) process.stdout.write(`note    ${note}\n`);
    const count = (verdict: Change['verdict']): number => changes.filter((change) => change.verdict === verdict).length;
    if (changes.length > 0) process.stdout.write(`${both.length} benchmarks, ${changes.length} figures: ${count('worse')} worse, ${count('better')} better, ${count('same')} the same\n`);
  }
  // Exit code 0 here would read as "nothing got slower", which nobody knows.
  if (changes.length === 0) {
    process.stderr.write('error: no figure of one could be compared with one of the other\n');
    return 2;
  }
  return changes.some(({ verdict }) => verdict === 'worse') ? 1 : 0;
}

try {
  process.exitCode = main();
} catch (error) {
  const usage = error instanceof UsageError || (error as NodeJS.ErrnoException).code?.startsWith('ERR_PARSE_ARGS') === true;
  process.stderr.write(`error: ${(error as Error).message}\n${usage ? `\n${USAGE}` : ''}`);
  process.exitCode = 2;
}
