/** What every contender finds alike: the disk at rest, and the files that it is to read in memory. */
import type { BenchContext, Contender } from './benchmark.ts';

/**
 * The contender, which finds the tree that it reads so in each round. Otherwise whoever comes first in a round pays for bringing the tree into memory, and who comes after a `cp -a` for
 * writing that to the disk.
 */
export function settled({ child, dir }: Pick<BenchContext, 'child' | 'dir'>, treeOf: (round: number) => string, contender: Contender): Contender {
  return {
    ...contender,
    prepare: async (round) => {
      await contender.prepare?.(round);
      await child('sync', ['-f', dir]);
      // Not to /dev/null: GNU tar knows it, and reads no file then.
      await child('sh', ['-c', 'tar cf - -C "$1" . | cat >/dev/null', 'sh', treeOf(round)]);
    },
  };
}
