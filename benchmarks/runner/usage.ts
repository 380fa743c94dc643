/** What work costs: wall time, CPU seconds, peak resident memory; of this process, of a command, of a daemon that runs. */
import koffi, { type KoffiFunc } from 'koffi';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cpuSeconds, statusBytes } from '../../scripts/branch/process-usage.ts';
import { KiB, MiB } from '../../src/base/units.ts';
import type { ChildOptions, ChildRun, Sample } from './benchmark.ts';
import { findPeer } from './peers.ts';

/** As in Linux headers; the struct has 144 bytes on 64-bit machines. */
const RUSAGE_CHILDREN = -1;
const RUSAGE_BYTES = 256;
const OUTPUT_BYTES_MAX = 256 * MiB;

/** Work in this process. Metrics that `work` answers are added. */
export async function measureHere(work: () => Promise<Sample | void> | Sample | void): Promise<Sample> {
  resetPeakRss('self');
  const cpu = process.cpuUsage();
  const startedMs = performance.now();
  const more = await work();
  const wallSeconds = (performance.now() - startedMs) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  return { wallSeconds, cpuSeconds: (user + system) / 1e6, ...peakRssSample('self'), ...more };
}

/** A process that was there before the work and stays after it. */
export class ProcessUsage {
  readonly #pid: number;
  readonly #cpuSecondsBefore: number;

  constructor(pid: number) {
    this.#pid = pid;
    resetPeakRss(pid);
    this.#cpuSecondsBefore = cpuSeconds(pid);
  }

  /** Since this object was made. */
  sample(): Sample {
    return { cpuSeconds: cpuSeconds(this.#pid) - this.#cpuSecondsBefore, ...peakRssSample(this.#pid) };
  }
}

/** From now on VmHWM counts anew (proc_pid_clear_refs(5)); where the kernel does not know that, peaks are those of the whole life. */
function resetPeakRss(pid: number | 'self'): void {
  try {
    writeFileSync(`/proc/${pid}/clear_refs`, '5');
  } catch {
    // No Linux, or no right to: peakRssSample then says more than it should, never less.
  }
}

function peakRssSample(pid: number | 'self'): Sample {
  try {
    return { peakRssBytes: statusBytes(pid, 'VmHWM') };
  } catch {
    return {};
  }
}

let getrusage: KoffiFunc<(who: number, usage: Buffer) => number> | undefined;

/** CPU seconds of all children of this process that have ended, with theirs. NaN where the call is not there. */
function childrenCpuSeconds(): number {
  try {
    getrusage ??= koffi.load(null).func('int getrusage(int who, _Out_ void *usage)');
  } catch {
    return Number.NaN;
  }
  const usage = Buffer.alloc(RUSAGE_BYTES);
  if (getrusage(RUSAGE_CHILDREN, usage) !== 0) return Number.NaN;
  const seconds = (at: number): number => Number(usage.readBigInt64LE(at)) + Number(usage.readBigInt64LE(at + 8)) / 1e6;
  // struct rusage begins with two struct timeval: ru_utime, ru_stime (getrusage(2)).
  return seconds(0) + seconds(16);
}

interface LimitedOptions extends ChildOptions {
  readonly signal: AbortSignal;
  readonly timeoutMs: number;
}

/** Whether GNU time is installed, once that is known. */
let hasTime: boolean | undefined;

/**
 * A command in a process group of its own. GNU time stands between and tells peak memory: a child that Node itself forks would inherit Node's. CPU
 * seconds are those of all children that ended meanwhile; GNU time would give them in hundredths.
 */
export async function measureChild(command: string, args: readonly string[], options: LimitedOptions): Promise<ChildRun> {
  hasTime ??= findPeer('time') !== undefined;
  const dir = mkdtempSync(join(tmpdir(), 'branchcast-usage-'));
  const usageFile = join(dir, 'usage');
  const words = hasTime ? ['time', '--quiet', '--output', usageFile, '--format', '%M', '--', command, ...args] : [command, ...args];
  try {
    const cpuBefore = childrenCpuSeconds();
    const startedMs = performance.now();
    const { status, stdout, stderr } = await runGroup(words, options);
    const wallSeconds = (performance.now() - startedMs) / 1000;
    if (status !== 0) {
      throw new Error(`${command} ended with ${status}: ${(stderr.trim() || stdout.trim()).split('\n').slice(-3).join(' | ').slice(0, 500)}`);
    }
    const kibibytes = hasTime ? Number(readFileSync(usageFile, 'utf8').trim().split('\n').at(-1)) : Number.NaN;
    return { sample: { wallSeconds, cpuSeconds: childrenCpuSeconds() - cpuBefore, peakRssBytes: kibibytes * KiB }, stdout, stderr };
  } finally {
    rmSync(dir, { recursive: true });
  }
}

interface Ended {
  readonly status: number | string;
  readonly stdout: string;
  readonly stderr: string;
}

async function runGroup([command = '', ...args]: readonly string[], { cwd, env, signal, timeoutMs }: LimitedOptions): Promise<Ended> {
  signal.throwIfAborted();
  const child = spawn(command, args, { cwd, env: { ...process.env, LC_ALL: 'C', ...env }, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
  const { pid } = child;
  const kill = (): void => {
    try {
      if (pid !== undefined) process.kill(-pid, 'SIGKILL');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
  };
  const stop = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
  stop.addEventListener('abort', kill);
  process.on('exit', kill);
  const output = { stdout: [] as Buffer[], stderr: [] as Buffer[], bytes: 0 };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].on('data', (data: Buffer) => {
      output.bytes += data.length;
      if (output.bytes > OUTPUT_BYTES_MAX) kill();
      else output[name].push(data);
    });
  }
  try {
    const [code, by] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
    signal.throwIfAborted();
    const status = stop.aborted ? `a timeout of ${timeoutMs / 1000} s` : (code ?? by ?? 'nothing known');
    return { status, stdout: Buffer.concat(output.stdout).toString(), stderr: Buffer.concat(output.stderr).toString() };
  } finally {
    stop.removeEventListener('abort', kill);
    process.off('exit', kill);
  }
}
