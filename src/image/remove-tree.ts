/** Removing a tree of branchcast's own: names are bytes, modes may forbid it, links are never followed. */
import { chmodSync, lstatSync, readdirSync, rmdirSync, unlinkSync, type Dirent } from 'node:fs';
import { unlink } from 'node:fs/promises';
import { UNLINKS_AT_ONCE } from '../base/limits.ts';
import { Pace } from './pace.ts';

/** Removes what `path` names, with all that is below it. It need not be there. May be called again after a crash. */
export async function removeTree(path: Buffer): Promise<void> {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  if (stat === undefined) return;
  if (!stat.isDirectory()) {
    unlinkSync(path);
    return;
  }
  const directories = [path];
  // Who frees a file's blocks may have to wait for the disk to discard them: a tree whose files went one after the other took five times as long.
  const names = lastNamesBelow(directories);
  const ended = await Promise.allSettled(Array.from({ length: UNLINKS_AT_ONCE }, () => unlinkEach(names)));
  for (const result of ended) if (result.status === 'rejected') throw result.reason;
  const pace = new Pace(undefined);
  for (const directory of directories.reverse()) {
    rmdirSync(directory);
    if (pace.due) await pace.turn();
  }
}

/** Several take their work from one iterator; what one cannot remove ends it for all. */
async function unlinkEach(names: AsyncIterable<Buffer>): Promise<void> {
  for await (const name of names) await unlink(name);
}

/**
 * Everything but directories, which are appended to `directories`, each after the one that it is in. A file with further names loses this one on the
 * way: that frees no blocks, and takes less time than handing it to a thread.
 */
async function* lastNamesBelow(directories: Buffer[]): AsyncGenerator<Buffer, void, undefined> {
  const pace = new Pace(undefined);
  for (const directory of directories) {
    for (const entry of listForRemoval(directory)) {
      const path = Buffer.concat([directory, Buffer.from('/'), entry.name]);
      if (entry.isDirectory()) directories.push(path);
      else if (entry.isFile() && lstatSync(path).nlink > 1) unlinkSync(path);
      else yield path;
      if (pace.due) await pace.turn();
    }
  }
}

function listForRemoval(path: Buffer): Dirent<Buffer>[] {
  // A directory that is 0555 in the layer would not let a user other than root take its names away.
  chmodSync(path, 0o700);
  return readdirSync(path, { encoding: 'buffer', withFileTypes: true });
}
