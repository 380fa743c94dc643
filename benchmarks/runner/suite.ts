/** All benchmarks of the project, found by their files, and run one after the other, each in a process of its own. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, globSync, mkdirSync, rmSync, statfsSync } from 'node:fs';
import { basename, join } from 'node:path';
import { GiB } from '../../src/base/units.ts';
import type { Benchmark, Size } from './benchmark.ts';
import type { Machine } from './machine.ts';
import { readResult, type Result } from './result.ts';

const BENCHMARKS_DIR = join(import.meta.dirname, '..');
/** Of a benchmark that does not say what it needs, and of the small size of every one. */
const DISK_BYTES = GiB;
/** A benchmark that hangs ends here; one that is asked to stop has so long to clean up. */
const DEADLINE_MS: Readonly<Record<Size, number>> = { small: 600_000, full: 4 * 3_600_000 };
const STOP_DEADLINE_MS = 15_000;

export interface Found extends Benchmark {
  readonly file: string;
}

/** In the order of their files. Throws if a name is not that of its file. */
export async function findBenchmarks(): Promise<Found[]> {
  const files = globSync('*/*.bench.ts', { cwd: BENCHMARKS_DIR }).toSorted();
  return Promise.all(files.map(async (relative) => {
    const file = join(BENCHMARKS_DIR, relative);
    const { benchmark } = (await import(file)) as { benchmark?: Benchmark };
    if (benchmark?.name !== basename(file, '.bench.ts')) throw new Error(`${relative} must export a \`benchmark\` that is named as its file`);
    return { ...benchmark, file };
  }));
}

/** Why the benchmark cannot run now; undefined if it can. */
export function obstacle({ name, diskBytes = DISK_BYTES }: Benchmark, size: Size, scratchDir: string): string | undefined {
  const { bavail, bsize } = statfsSync(scratchDir);
  const needs = size === 'full' ? diskBytes : DISK_BYTES;
  const gigabytes = (bytes: number): string => (bytes / 1e9).toFixed(1);
  return bavail * bsize >= needs ? undefined : `${name} needs ${gigabytes(needs)} GB free in ${scratchDir}, there are ${gigabytes(bavail * bsize)} GB; set TMPDIR to a roomier place`;
}

export interface RunPlace {
  /** Of all benchmarks of the run. */
  readonly scratchDir: string;
  readonly resultFile: string;
  /** Where tables are printed. */
  readonly output: 'stdout' | 'stderr';
  /** Asked once for the run: some peers take half a second to tell their version. */
  readonly machine: Machine;
  readonly signal: AbortSignal;
}

/** Undefined if its process ended without a result: it was killed, hung, or its file does not load. Its scratch files stay; the caller removes them. */
export async function runOne({ name, file }: Found, size: Size, { scratchDir, resultFile, output, machine, signal }: RunPlace): Promise<Result | undefined> {
  const dir = join(scratchDir, name);
  mkdirSync(dir, { recursive: true });
  rmSync(resultFile, { force: true });
  // All scratch files below one directory, also of tools that make some of their own.
  const env = { ...process.env, TMPDIR: dir };
  const args = [file, size, dir, scratchDir, resultFile, JSON.stringify(machine)];
  const child = spawn(process.execPath, ['--expose-gc', join(import.meta.dirname, 'one.ts'), ...args], { stdio: ['ignore', output === 'stdout' ? 1 : 2, 2], env });
  const stop = AbortSignal.any([signal, AbortSignal.timeout(DEADLINE_MS[size])]);
  let force: NodeJS.Timeout | undefined;
  const end = (): void => {
    child.kill('SIGTERM');
    force = setTimeout(() => child.kill('SIGKILL'), STOP_DEADLINE_MS);
  };
  if (stop.aborted) end();
  stop.addEventListener('abort', end);
  await once(child, 'exit');
  clearTimeout(force);
  stop.removeEventListener('abort', end);
  return existsSync(resultFile) ? readResult(resultFile) : undefined;
}
