/** `npm run bench`: runs benchmarks, prints their tables, keeps their results. */
import { copyFileSync, mkdirSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { parseArgs } from 'node:util';
import { InodeWorkers } from '../src/image/inode-workers.ts';
import { removeTree } from '../src/image/remove-tree.ts';
import type { Size } from './runner/benchmark.ts';
import { thisMachine, thisRevision, type Machine } from './runner/machine.ts';
import { peerNames } from './runner/peers.ts';
import { failed, problemsOf, RESULTS_DIR, RUNS_DIR, type Result } from './runner/result.ts';
import { findBenchmarks, obstacle, runOne, type Found } from './runner/suite.ts';
import { verdictText } from './runner/table-text.ts';

const USAGE = `usage: npm run bench -- [NAME…] [--full] [--keep] [--json] [--list]

Runs the benchmarks of these names, or all. Each prints its question, then product and peers of the same run in one table: medians of at least
three rounds, noise, ratios; then its bounds. Raw samples go to benchmarks/results/runs/. The small size takes under three minutes on generated input;
the full size, which the bounds are about, takes hours on real input: build that with scripts/corpora. scripts/bench-peers installs the peers.

  --full   the full size
  --keep   also write the results to benchmarks/results/, where those to compare with are committed; needs --full
  --json   print the results as one JSON array on stdout, tables on stderr
  --list   names and questions, nothing run

Exit codes: 0 all ran, whether bounds are met or not; 1 something of the product failed; 2 wrong arguments; 130 cancelled.
Examples:
  npm run bench
  npm run bench -- cut dedup
  nice npm run bench -- publish-app --full
  npm run bench:compare -- main HEAD
`;

interface Arguments {
  readonly names: readonly string[];
  readonly size: Size;
  readonly keep: boolean;
  readonly json: boolean;
  readonly list: boolean;
}

class UsageError extends Error {}

function parse(): Arguments {
  const flag = { type: 'boolean', default: false } as const;
  const { values, positionals } = parseArgs({ allowPositionals: true, options: { full: flag, keep: flag, json: flag, list: flag, help: { ...flag, short: 'h' } } });
  if (values.help) {
    process.stdout.write(USAGE);
    process.exit(0);
  }
  if (values.keep && !values.full) throw new UsageError('--keep needs --full: a reference is about the full size');
  return { names: positionals, size: values.full ? 'full' : 'small', keep: values.keep, json: values.json, list: values.list };
}

function selected(found: readonly Found[], names: readonly string[]): readonly Found[] {
  const unknown = names.filter((name) => !found.some((one) => one.name === name));
  if (unknown.length > 0) throw new UsageError(`no benchmark is called ${unknown.join(', ')}: there are ${found.map(({ name }) => name).join(', ')}`);
  return names.length === 0 ? found : found.filter(({ name }) => names.includes(name));
}

/** Results in the order of running, and what did not run at all. */
async function runAll(benchmarks: readonly Found[], { size, keep, json }: Arguments, machine: Machine, signal: AbortSignal): Promise<{ results: Result[]; lost: string[] }> {
  const results: Result[] = [];
  const lost: string[] = [];
  const { commit, dirty } = thisRevision();
  const runDir = join(RUNS_DIR, `${new Date().toISOString().replaceAll(/[:.]/g, '-')}-${commit.slice(0, 12)}${dirty ? '-dirty' : ''}-${size}`);
  const scratchDir = mkdtempSync(join(tmpdir(), 'branchcast-bench-'));
  try {
    for (const benchmark of benchmarks) {
      if (signal.aborted) break;
      // Scratch files are removed at the end: ext4 makes no inode again for minutes after it was deleted, and searches past all of them.
      if (obstacle(benchmark, size, scratchDir) !== undefined) await emptied(scratchDir);
      const problem = obstacle(benchmark, size, scratchDir);
      const resultFile = join(runDir, `${benchmark.name}.json`);
      const result = problem === undefined ? await runOne(benchmark, size, { scratchDir, resultFile, output: json ? 'stderr' : 'stdout', machine, signal }) : undefined;
      if (result === undefined) {
        lost.push(problem ?? `${benchmark.name}: its process ended without a result`);
        continue;
      }
      results.push(result);
      if (keep && !failed(result)) copyFileSync(resultFile, join(RESULTS_DIR, `${benchmark.name}.json`));
    }
    if (results.length > 0) process.stderr.write(`\nresults in ${relative('.', runDir)}\n`);
    return { results, lost };
  } finally {
    await removeScratch(scratchDir);
  }
}

async function removeScratch(dir: string): Promise<void> {
  const workers = new InodeWorkers();
  await removeTree(Buffer.from(dir), workers);
  await workers.close();
}

async function emptied(dir: string): Promise<void> {
  await removeScratch(dir);
  mkdirSync(dir);
}

function summary(results: readonly Result[], lost: readonly string[], seconds: number): string {
  const verdicts = results.flatMap(({ name, verdicts }) => verdicts.map((verdict) => ({ name, verdict })));
  const missed = verdicts.filter(({ verdict }) => verdict.verdict !== 'met');
  const problems = [...lost, ...results.flatMap(problemsOf)];
  return [
    `\n${results.length} benchmarks in ${seconds.toFixed(0)} s; ${verdicts.length - missed.length} of ${verdicts.length} bounds met`,
    ...missed.map(({ name, verdict }) => `  ${name}: ${verdictText(verdict)}`),
    ...(problems.length === 0 ? [] : ['without figures:', ...problems.map((problem) => `  ${problem}`)]),
    '',
  ].join('\n');
}

async function main(args: Arguments): Promise<number> {
  const benchmarks = selected(await findBenchmarks(), args.names);
  if (args.list) {
    for (const { name, question } of benchmarks) process.stdout.write(`${name.padEnd(16)}${question}\n`);
    return 0;
  }
  const machine = thisMachine();
  const missing = peerNames().filter((name) => machine.peers[name] === undefined);
  if (missing.length > 0) process.stderr.write(`not installed: ${missing.join(', ')}. scripts/bench-peers installs what Debian has; their rows stay empty.\n`);
  const cancel = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.on(name, () => cancel.abort());
  const startedMs = performance.now();
  const { results, lost } = await runAll(benchmarks, args, machine, cancel.signal);
  if (cancel.signal.aborted) process.stderr.write('cancelled\n');
  if (args.json) process.stdout.write(`${JSON.stringify(results, undefined, 1)}\n`);
  process.stderr.write(summary(results, lost, (performance.now() - startedMs) / 1000));
  if (cancel.signal.aborted) return 130;
  return lost.length > 0 || results.some(failed) ? 1 : 0;
}

try {
  process.exitCode = await main(parse());
} catch (error) {
  const usage = error instanceof UsageError || (error as NodeJS.ErrnoException).code?.startsWith('ERR_PARSE_ARGS') === true;
  process.stderr.write(`error: ${(error as Error).message}\n${usage ? `\n${USAGE}` : ''}`);
  process.exitCode = usage ? 2 : 1;
}
