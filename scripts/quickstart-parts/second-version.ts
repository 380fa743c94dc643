/** A second version of a tree: a copy with a file changed in its middle, one added, one removed and one renamed. */
import { execFile } from 'node:child_process';
import { closeSync, lstatSync, openSync, readdirSync, readSync, renameSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

const CHANGED_BYTES = 100;

export interface Edits {
  readonly changed?: string;
  readonly added: string;
  readonly removed?: string;
  readonly renamed?: string;
}

/** `cp -a` keeps modes, times, links and hard links. */
export async function makeSecondVersion(tree: string, copy: string, signal: AbortSignal): Promise<Edits> {
  await promisify(execFile)('cp', ['-a', tree, copy], { signal });
  const files = plainFiles(copy).toSorted((a, b) => b.sizeBytes - a.sizeBytes);
  const largest = files[0];
  const middle = files[Math.floor(files.length / 2)];
  const smallest = files.at(-1);

  if (largest !== undefined && largest.sizeBytes > 0) changeMiddle(largest.path, largest.sizeBytes);
  if (smallest !== undefined && smallest !== largest) rmSync(smallest.path);
  if (middle !== undefined && middle !== largest && middle !== smallest) renameSync(middle.path, `${middle.path}.renamed`);
  const added = join(copy, 'added-by-quickstart.txt');
  writeFileSync(added, `Added for the second version.\n`);

  const named = (name: 'changed' | 'removed' | 'renamed', file: PlainFile | undefined): Partial<Edits> => (file === undefined ? {} : { [name]: file.path.slice(copy.length + 1) });
  return {
    ...named('changed', largest),
    ...named('removed', smallest === largest ? undefined : smallest),
    ...named('renamed', middle === largest || middle === smallest ? undefined : middle),
    added: 'added-by-quickstart.txt',
  };
}

interface PlainFile {
  readonly path: string;
  readonly sizeBytes: number;
}

/** Files that can be edited for themselves: one name, and names that are text. */
function plainFiles(root: string): PlainFile[] {
  return readdirSync(root, { recursive: true, encoding: 'utf8' }).flatMap((name) => {
    const path = join(root, name);
    const stat = lstatSync(path, { throwIfNoEntry: false });
    return stat?.isFile() === true && stat.nlink === 1 ? [{ path, sizeBytes: stat.size }] : [];
  });
}

/** Inverts bytes, so that the file surely differs. */
function changeMiddle(path: string, sizeBytes: number): void {
  const bytes = Buffer.alloc(Math.min(CHANGED_BYTES, sizeBytes));
  const at = Math.floor((sizeBytes - bytes.length) / 2);
  const fd = openSync(path, 'r+');
  try {
    readSync(fd, bytes, 0, bytes.length, at);
    writeSync(fd, bytes.map((byte) => byte ^ 0xff), 0, bytes.length, at);
  } finally {
    closeSync(fd);
  }
}
