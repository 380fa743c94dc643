/** Where and on what a result was measured. */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { cpus, loadavg, release, totalmem, type as osType } from 'node:os';
import { hashImplementation } from '../../src/chunking/hash.ts';
import { findPeers } from './peers.ts';

export interface Machine {
  /** Virtual machines give processors of several generations one name: with family and model, where the kernel tells. */
  readonly cpu: string;
  readonly cores: number;
  readonly memoryBytes: number;
  readonly kernel: string;
  readonly node: string;
  readonly blake3: string;
  /** Versions of those that are installed. */
  readonly peers: Readonly<Record<string, string>>;
}

export interface Revision {
  /** `unknown` outside a git checkout. */
  readonly commit: string;
  /** Whether the checkout had changes that are in no commit. */
  readonly dirty: boolean;
}

export function thisMachine(): Machine {
  const processors = cpus();
  return {
    cpu: `${processors[0]?.model.trim() ?? 'unknown'}${processorKind(readIfThere('/proc/cpuinfo'))}`,
    cores: processors.length,
    memoryBytes: totalmem(),
    kernel: `${osType()} ${release()}`,
    node: process.version,
    blake3: hashImplementation,
    peers: Object.fromEntries(findPeers().map(({ name, version }) => [name, version])),
  };
}

/** From /proc/cpuinfo (proc(5)), of the first processor; empty where it says nothing. */
export function processorKind(cpuinfo: string): string {
  const field = (name: string): string | undefined => new RegExp(`^${name}\\s*: *(\\d+)$`, 'm').exec(cpuinfo)?.[1];
  const [family, model] = [field('cpu family'), field('model')];
  return family === undefined || model === undefined ? '' : ` (family ${family}, model ${model})`;
}

function readIfThere(path: string): string {
  return existsSync(path) ? readFileSync(path, 'utf8') : '';
}

export function thisRevision(): Revision {
  const git = (...args: string[]): string | undefined => {
    const { status, stdout } = spawnSync('git', args, { encoding: 'utf8', cwd: import.meta.dirname });
    return status === 0 ? stdout.trim() : undefined;
  };
  // Results are written by benchmarks themselves: they make no checkout dirty.
  return { commit: git('rev-parse', 'HEAD') ?? 'unknown', dirty: git('status', '--porcelain', '--', ':/', ':(exclude,top)benchmarks/results') !== '' };
}

/** Processes that want to run, over the last minute: on a shared machine it says how far times can be believed. */
export function loadNow(): number {
  return loadavg()[0] ?? 0;
}
