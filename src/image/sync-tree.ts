/** Flushing a tree file by file, where the whole file system cannot be flushed at once. */
import { closeSync, constants, fsyncSync, openSync } from 'node:fs';
import type { Pace } from './pace.ts';
import { walkTree } from './walk.ts';

export async function syncTree(root: Buffer, pace: Pace): Promise<void> {
  for (const { path, stat } of walkTree(root)) {
    if (pace.due) await pace.turn();
    if (!stat.isFile() && !stat.isDirectory()) continue;
    let fd: number;
    try {
      fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW);
    } catch (error) {
      // A mode that keeps even its owner out; its bytes were flushed with the directory's journal at the latest.
      if ((error as NodeJS.ErrnoException).code === 'EACCES') continue;
      throw error;
    }
    try {
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
  }
}
