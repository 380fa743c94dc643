/** Removing a tree of branchcast's own: names are bytes, modes may forbid it, links are never followed. */
import { lstatSync, readdirSync, rmdirSync, unlinkSync, type Dirent } from 'node:fs';
import { ahead } from '../base/ahead.ts';
import { INODE_JOBS_AHEAD, UNLINKS_TOGETHER } from '../base/limits/trees.ts';
import type { InodeWorkers } from './inode-workers.ts';
import { Pace } from './pace.ts';
import { sealDirectory } from './seal-directory.ts';

/** Removes what `path` names, with all that is below it. It need not be there. May be called again after a crash. */
export async function removeTree(path: Buffer, workers: InodeWorkers): Promise<void> {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  if (stat === undefined) return;
  if (!stat.isDirectory()) {
    unlinkSync(path);
    return;
  }
  const directories = [path];
  const pace = new Pace(undefined);
  // Several at a time: who frees a file's blocks may have to wait for the disk to discard them.
  for await (const _ of ahead(namesBelow(directories), INODE_JOBS_AHEAD, (names) => workers.unlink(names))) if (pace.due) await pace.turn();
  for (const directory of directories.reverse()) {
    rmdirSync(directory);
    if (pace.due) await pace.turn();
  }
}

/** The paths of everything but directories, some at a time. Directories are appended to `directories`, each after the one that it is in. */
async function* namesBelow(directories: Buffer[]): AsyncGenerator<readonly Buffer[], void, undefined> {
  const pace = new Pace(undefined);
  let names: Buffer[] = [];
  for (const directory of directories) {
    for (const entry of listForRemoval(directory)) {
      const path = Buffer.concat([directory, Buffer.from('/'), entry.name]);
      if (entry.isDirectory()) directories.push(path);
      else names.push(path);
      if (names.length === UNLINKS_TOGETHER) yield names.splice(0);
      if (pace.due) await pace.turn();
    }
  }
  yield names;
}

function listForRemoval(path: Buffer): Dirent<Buffer>[] {
  // One that is 0555 in the layer would not let a user other than root take its names away; one that others may write to could lead elsewhere by the time that they are removed.
  if (sealDirectory(path) === undefined) return [];
  return readdirSync(path, { encoding: 'buffer', withFileTypes: true });
}
