/** What one benchmark gave, as it is kept: tables with raw samples, verdicts, and where they come from. */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Size, Table } from './benchmark.ts';
import type { Machine, Revision } from './machine.ts';
import type { Verdict } from './verdict.ts';

export const RESULT_FORMAT = 1;
/** Reference results, one a benchmark, are committed; those of other runs are not. */
export const RESULTS_DIR = join(import.meta.dirname, '..', 'results');
export const RUNS_DIR = join(RESULTS_DIR, 'runs');

export interface Result extends Revision {
  readonly format: typeof RESULT_FORMAT;
  readonly name: string;
  readonly question: string;
  readonly size: Size;
  readonly startedAt: string;
  readonly seconds: number;
  readonly loadBefore: number;
  readonly loadAfter: number;
  readonly machine: Machine;
  readonly tables: readonly Table[];
  readonly verdicts: readonly Verdict[];
  /** Why the benchmark ended early; what was measured before is here nevertheless. */
  readonly failure?: string;
}

export function writeResult(path: string, result: Result): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, `${JSON.stringify(result, undefined, 1)}\n`);
}

/** Throws if it is no result of this format. */
export function parseResult(text: string, from: string): Result {
  const value = JSON.parse(text) as Partial<Result>;
  if (value.format !== RESULT_FORMAT || value.name === undefined || !Array.isArray(value.tables)) throw new Error(`${from} is not a benchmark's result of format ${RESULT_FORMAT}`);
  return value as Result;
}

export function readResult(path: string): Result {
  return parseResult(readFileSync(path, 'utf8'), path);
}

/** What is committed to be compared with, by name. */
export function readReferences(): Result[] {
  return resultsIn(RESULTS_DIR);
}

/** The results in a directory, by name; none if there is no such directory. */
export function resultsIn(dir: string): Result[] {
  return existsSync(dir) ? readdirSync(dir).filter((name) => name.endsWith('.json')).toSorted().map((name) => readResult(join(dir, name))) : [];
}

/** Of all that ran as hoped nothing; else what did not. */
export function problemsOf({ name, failure, tables }: Result): string[] {
  const rows = tables.flatMap(({ title, rows }) => rows.filter(({ problem }) => problem !== undefined).map((row) => `${name}: ${title}: ${row.name}: ${row.problem}`));
  return failure === undefined ? rows : [`${name}: ${failure}`, ...rows];
}

/** Whether something of the product failed; a peer that is missing or broken is said, and is no failure of the run. */
export function failed({ failure, tables }: Result): boolean {
  return failure !== undefined || tables.some(({ rows }) => rows.some(({ role, problem }) => role === 'product' && problem !== undefined));
}
