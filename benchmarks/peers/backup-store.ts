/** The deduplicating stores that a user would put a tree into instead, each behind the same three steps. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { BenchContext, ChildRun } from '../runner/benchmark.ts';
import type { PeerName } from '../runner/peers.ts';

export interface BackupStore {
  readonly name: string;
  readonly tool: PeerName;
  /** Makes an empty store in `dir`. */
  readonly init: (context: BenchContext, dir: string) => Promise<void>;
  /** Puts a tree into the store in `dir` as `version`. */
  readonly add: (context: BenchContext, dir: string, tree: string, version: string) => Promise<ChildRun>;
  /** Part of `dir` whose bytes count as stored. */
  readonly counted: readonly string[];
}

export function restic(compression: 'auto'): BackupStore {
  const run = ({ child }: BenchContext, dir: string, cwd: string, args: readonly string[]): Promise<ChildRun> => child('restic', ['--quiet', '--repo', join(dir, 'repo'), ...args], { cwd, env: resticEnv(dir) });
  return {
    name: `restic, ${compression}`,
    tool: 'restic',
    init: async (context, dir) => void (await run(context, dir, dir, ['init'])),
    add: (context, dir, tree, version) => run(context, dir, tree, ['--compression', compression, 'backup', '--tag', version, '.']),
    counted: ['repo'],
  };
}

/** Its cache of what is in the repository belongs to it, and must not be shared with other runs. */
export function resticEnv(dir: string): NodeJS.ProcessEnv {
  return { RESTIC_PASSWORD: 'benchmark', RESTIC_CACHE_DIR: join(dir, 'cache') };
}

export function borg(compression: 'lz4'): BackupStore {
  const env = (dir: string): NodeJS.ProcessEnv => ({ BORG_BASE_DIR: join(dir, 'home'), BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK: 'yes', BORG_RELOCATED_REPO_ACCESS_IS_OK: 'yes' });
  return {
    name: `borg, ${compression}`,
    tool: 'borg',
    init: async ({ child }, dir) => void (await child('borg', ['init', '--encryption', 'none', join(dir, 'repo')], { env: env(dir) })),
    add: ({ child }, dir, tree, version) => child('borg', ['create', '--compression', compression, `${join(dir, 'repo')}::${version}`, '.'], { cwd: tree, env: env(dir) }),
    counted: ['repo'],
  };
}

export function casync(): BackupStore {
  return {
    name: 'casync',
    tool: 'casync',
    init: async (_, dir) => {
      mkdirSync(join(dir, 'indexes'));
    },
    add: ({ child }, dir, tree, version) => child('casync', ['make', `--store=${join(dir, 'store.castr')}`, join(dir, 'indexes', `${version}.caidx`), tree]),
    counted: ['store.castr', 'indexes'],
  };
}
