/** What every contender finds alike: the disk at rest, and the files that it is to read in memory. */
import type { BenchContext } from './benchmark.ts';

/** Whoever comes first in a round would pay for bringing the tree into memory, and who comes after a `cp -a` for writing that to the disk. */
export async function settle({ child, dir }: BenchContext, tree: string): Promise<void> {
  await child('sync', ['-f', dir]);
  // Not to /dev/null: GNU tar knows it, and reads no file then.
  await child('sh', ['-c', 'tar cf - -C "$1" . | cat >/dev/null', 'sh', tree]);
}
