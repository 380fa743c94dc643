/**
 * Runs one benchmark in this process and writes its result: `node one.ts FILE SIZE DIR RUN-DIR RESULT-FILE MACHINE`. suite.ts starts it, so that a benchmark's
 * memory, compiled code and failures are its own. Tables go to stdout as they are ready.
 */
import { join } from 'node:path';
import { Corpora } from '../corpora/corpora.ts';
import type { BenchContext, Benchmark, Size, Table } from './benchmark.ts';
import { loadNow, thisRevision, type Machine } from './machine.ts';
import type { Peer, PeerName } from './peers.ts';
import { Progress } from './progress.ts';
import { RESULT_FORMAT, writeResult, type Result } from './result.ts';
import { ROUNDS, runTable } from './run-table.ts';
import { tableText, verdictText } from './table-text.ts';
import { measureChild, measureHere } from './usage.ts';
import { judge } from './verdict.ts';

const CHILD_TIMEOUT_MS: Readonly<Record<Size, number>> = { small: 120_000, full: 1_800_000 };

const [file = '', size = 'small', dir = '', runDir = '', resultFile = '', machineJson = ''] = process.argv.slice(2);
const machine = JSON.parse(machineJson) as Machine;
const stop = new AbortController();
for (const name of ['SIGINT', 'SIGTERM'] as const) process.on(name, () => stop.abort(new Error(`stopped by ${name}`)));

const { benchmark } = (await import(file)) as { benchmark: Benchmark };
const result = await run(benchmark, size === 'full' ? 'full' : 'small');
writeResult(resultFile, result);
// Whatever a benchmark left open must not keep the run waiting; what was printed must get out first.
process.stdout.write('', () => process.exit(0));

async function run({ name, question, bounds = [], run }: Benchmark, size: Size): Promise<Result> {
  const started = { at: new Date().toISOString(), ms: performance.now(), load: loadNow() };
  const tables: Table[] = [];
  process.stdout.write(`\n${name}: ${question}\n`);
  let failure: string | undefined;
  try {
    await run(context(size, tables));
  } catch (error) {
    failure = error instanceof Error ? error.message : String(error);
    // Where it went wrong matters only if it was not said on purpose.
    process.stderr.write(`${name} failed: ${error instanceof Error && !stop.signal.aborted ? error.stack : failure}\n`);
  }
  const verdicts = bounds.map((bound) => judge(bound, tables));
  if (verdicts.length > 0) process.stdout.write(`\nbounds${size === 'small' ? ' (of the full size: here they only hint)' : ''}\n${verdicts.map((verdict) => `  ${verdictText(verdict)}\n`).join('')}`);
  return {
    format: RESULT_FORMAT, name, question, size, ...thisRevision(), startedAt: started.at, seconds: (performance.now() - started.ms) / 1000,
    loadBefore: started.load, loadAfter: loadNow(), machine, tables, verdicts, ...(failure === undefined ? {} : { failure }),
  };
}

function context(size: Size, tables: Table[]): BenchContext {
  const { signal } = stop;
  const peer = (name: PeerName): Peer | undefined => {
    const version = machine.peers[name];
    return version === undefined ? undefined : { name, version };
  };
  const progress = new Progress(process.stderr);
  const say = (line: string): void => progress.say(line);
  return {
    size, signal, dir, runDir, peer, say,
    corpora: new Corpora(size, join(runDir, 'corpora')),
    measure: measureHere,
    child: (command, args, options = {}) => measureChild(command, args, { ...options, timeoutMs: CHILD_TIMEOUT_MS[size], signal }),
    table: async (title, contenders, options = {}) => {
      const table = await runTable(title, contenders, size === 'small' ? { ...options, rounds: ROUNDS } : options, { signal, isInstalled: (name) => peer(name) !== undefined, say, progress: (line) => progress.show(line) });
      progress.clear();
      tables.push(table);
      process.stdout.write(`\n${tableText(table)}`);
      return table;
    },
  };
}

