/** Removing a tree of branchcast's own: names are bytes, modes may forbid it, links are never followed. */
import { chmodSync, lstatSync, readdirSync, rmdirSync, unlinkSync, type Dirent } from 'node:fs';
import { Pace } from './pace.ts';

/** Removes what `path` names, with all that is below it. It need not be there. May be called again after a crash. */
export async function removeTree(path: Buffer): Promise<void> {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  if (stat === undefined) return;
  if (!stat.isDirectory()) {
    unlinkSync(path);
    return;
  }
  const open = [openForRemoval(path)];
  const pace = new Pace(undefined);
  for (let directory = open.at(-1); directory !== undefined; directory = open.at(-1)) {
    const entry = directory.entries.pop();
    if (entry === undefined) {
      rmdirSync(directory.path);
      open.pop();
      continue;
    }
    const child = Buffer.concat([directory.path, Buffer.from('/'), entry.name]);
    if (entry.isDirectory()) open.push(openForRemoval(child));
    else unlinkSync(child);
    if (pace.due) await pace.turn();
  }
}

function openForRemoval(path: Buffer): { readonly path: Buffer; readonly entries: Dirent<Buffer>[] } {
  // A directory that is 0555 in the layer would not let a user other than root take its names away.
  chmodSync(path, 0o700);
  return { path, entries: readdirSync(path, { encoding: 'buffer', withFileTypes: true }) };
}
