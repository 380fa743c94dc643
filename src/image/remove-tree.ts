/** Removing a tree of branchcast's own: names are bytes, modes may forbid it, links are never followed. */
import { chmodSync, lstatSync, readdirSync, rmdirSync, unlinkSync } from 'node:fs';
import { setImmediate as nextTurn } from 'node:timers/promises';

/** Entries between two turns of the event loop: a few milliseconds of unlinks. */
const ENTRIES_PER_TURN = 500;

/** Removes what `path` names, with all that is below it. It need not be there. May be called again after a crash. */
export async function removeTree(path: Buffer): Promise<void> {
  const kind = kindOf(path);
  if (kind === 'nothing') return;
  if (kind === 'other') {
    unlinkSync(path);
    return;
  }
  const open: { path: Buffer; names: Buffer[] }[] = [openForRemoval(path)];
  let sinceTurn = 0;
  for (let directory = open.at(-1); directory !== undefined; directory = open.at(-1)) {
    const name = directory.names.pop();
    if (name === undefined) {
      rmdirSync(directory.path);
      open.pop();
      continue;
    }
    const child = Buffer.concat([directory.path, Buffer.from('/'), name]);
    if (kindOf(child) === 'directory') open.push(openForRemoval(child));
    else unlinkSync(child);
    sinceTurn += 1;
    if (sinceTurn >= ENTRIES_PER_TURN) {
      sinceTurn = 0;
      await nextTurn();
    }
  }
}

function openForRemoval(path: Buffer): { path: Buffer; names: Buffer[] } {
  // A directory that is 0555 in the layer would not let a user other than root take its names away.
  chmodSync(path, 0o700);
  return { path, names: readdirSync(path, { encoding: 'buffer' }) };
}

function kindOf(path: Buffer): 'nothing' | 'directory' | 'other' {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  if (stat === undefined) return 'nothing';
  return stat.isDirectory() ? 'directory' : 'other';
}
