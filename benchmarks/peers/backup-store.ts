/** The deduplicating stores that a user would put a tree into instead, each behind the same three steps. */
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { BenchContext, ChildRun } from '../runner/benchmark.ts';
import type { PeerName } from '../runner/peers.ts';
import { storedBytes } from './stored-bytes.ts';

export const RESTIC = 'restic, auto';
export const BORG = 'borg, lz4';
export const CASYNC = 'casync';

export interface BackupStore {
  readonly name: string;
  readonly tool: PeerName;
  /** Makes an empty store in `dir`. */
  readonly init: (context: BenchContext, dir: string) => Promise<void>;
  /** Puts a tree into the store in `dir` as `version`. */
  readonly add: (context: BenchContext, dir: string, tree: string, version: string) => Promise<ChildRun>;
  /** Parts of `dir` whose bytes count as stored. */
  readonly counted: readonly string[];
}

/** What `store` takes in `dir`; a part that it has not made yet takes nothing. */
export function countedBytes({ counted }: BackupStore, dir: string): number {
  return counted.map((part) => join(dir, part)).filter((path) => existsSync(path)).reduce((sum, path) => sum + storedBytes(path), 0);
}

export function restic(): BackupStore {
  const run = ({ child }: BenchContext, dir: string, cwd: string, args: readonly string[]): Promise<ChildRun> => child('restic', ['--quiet', '--repo', join(dir, 'repo'), ...args], { cwd, env: resticEnv(dir) });
  return {
    name: RESTIC,
    tool: 'restic',
    init: async (context, dir) => void (await run(context, dir, dir, ['init'])),
    add: (context, dir, tree, version) => run(context, dir, tree, ['--compression', 'auto', 'backup', '--tag', version, '.']),
    counted: ['repo'],
  };
}

/** Its cache of what is in the repository belongs to it, and must not be shared with other runs. */
export function resticEnv(dir: string): NodeJS.ProcessEnv {
  return { RESTIC_PASSWORD: 'benchmark', RESTIC_CACHE_DIR: join(dir, 'cache') };
}

export function borg(): BackupStore {
  const env = (dir: string): NodeJS.ProcessEnv => ({ BORG_BASE_DIR: join(dir, 'home'), BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK: 'yes', BORG_RELOCATED_REPO_ACCESS_IS_OK: 'yes' });
  return {
    name: BORG,
    tool: 'borg',
    init: async ({ child }, dir) => void (await child('borg', ['init', '--encryption', 'none', join(dir, 'repo')], { env: env(dir) })),
    add: ({ child }, dir, tree, version) => child('borg', ['create', '--compression', 'lz4', `${join(dir, 'repo')}::${version}`, '.'], { cwd: tree, env: env(dir) }),
    counted: ['repo'],
  };
}

export function casync(): BackupStore {
  return {
    name: CASYNC,
    tool: 'casync',
    init: async (_, dir) => {
      mkdirSync(join(dir, 'indexes'));
    },
    add: ({ child }, dir, tree, version) => child('casync', ['make', `--store=${join(dir, 'store.castr')}`, join(dir, 'indexes', `${version}.caidx`), tree]),
    counted: ['store.castr', 'indexes'],
  };
}
