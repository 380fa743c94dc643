/** Calls on many inodes in one go, on whichever thread: see inode-workers.ts. */
import { lstatSync, unlinkSync, type BigIntStats } from 'node:fs';
import { createFile } from './create-file.ts';
import { holdsBytes } from './holds-bytes.ts';
import { InodeRows } from './inode-rows.ts';
import { linkUnchanged } from './link-unchanged.ts';
import { unpackBelow, unpackPaths } from './packed-paths.ts';

/** Answered by what stands under each path then. */
export type InodeJob = LookJob | LinkJob | PutJob;

/** What do the entries of these keys look like, a link not followed? */
export interface LookJob {
  readonly kind: 'look';
  readonly root: Uint8Array;
  readonly keys: Uint8Array;
}

/** Gives each file of `from`, if it is as `known` says, the further name in `to`. */
export interface LinkJob {
  readonly kind: 'link';
  readonly fromRoot: Uint8Array;
  readonly from: Uint8Array;
  readonly toRoot: Uint8Array;
  readonly to: Uint8Array;
  /** For each file its size, inode number and change time. */
  readonly known: BigInt64Array;
}

/** Brings files into being: each as a further name of its file in `from`, if that holds the same bytes (as that file itself, if it stands there), or else anew; not at all if that is not as `known` says. */
export interface PutJob {
  readonly kind: 'put';
  readonly to: Uint8Array;
  /** An empty path for a file that can only be new. */
  readonly from: Uint8Array;
  readonly known: BigInt64Array;
  /** One after the other. */
  readonly contents: Uint8Array;
}

export const KNOWN_WORDS = 3;

/** Removes names, no directories. One that is gone is as good. Throws what unlink throws. */
export function unlinkAll(paths: readonly Buffer[]): void {
  for (const path of paths) {
    try {
      unlinkSync(path);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
  }
}

/** What each path looks like, or each new file then. Nothing where that could not be done. */
export function rowsOf(job: InodeJob): InodeRows {
  if (job.kind === 'look') return lookAtAll(unpackBelow(job.root, job.keys));
  return job.kind === 'link' ? linkAll(job) : putAll(job);
}

/** The names that the job gives to files. */
export function newPathsOf(job: LinkJob | PutJob): Buffer[] {
  return job.kind === 'link' ? unpackBelow(job.toRoot, job.to) : unpackPaths(job.to);
}

function lookAtAll(paths: readonly Buffer[]): InodeRows {
  const rows = InodeRows.ofCount(paths.length);
  for (const [row, path] of paths.entries()) {
    try {
      const stat = lstatSync(path, { bigint: true, throwIfNoEntry: false });
      if (stat !== undefined) rows.set(row, stat);
    } catch {
      // Who asked looks again, and is told what is wrong.
    }
  }
  return rows;
}

function linkAll(job: LinkJob): InodeRows {
  const { fromRoot, from, known } = job;
  const newPaths = newPathsOf(job);
  const rows = InodeRows.ofCount(newPaths.length);
  for (const [row, path] of unpackBelow(fromRoot, from).entries()) {
    try {
      const stat = lookAtKnown(path, known.subarray(row * KNOWN_WORDS));
      const linked = stat === undefined ? undefined : linkUnchanged(path, stat, newPaths[row] as Buffer);
      if (linked !== undefined) rows.set(row, linked);
    } catch {
      // Who asked tries again, and is told what is wrong.
    }
  }
  return rows;
}

function putAll({ to, from, known, contents }: PutJob): InodeRows {
  const oldPaths = unpackPaths(from);
  const rows = InodeRows.ofCount(oldPaths.length);
  let at = 0;
  for (const [row, path] of unpackPaths(to).entries()) {
    const words = known.subarray(row * KNOWN_WORDS);
    const bytes = contents.subarray(at, (at += Number(words[0])));
    try {
      const made = putOne(path, bytes, oldPaths[row] as Buffer, words);
      if (made !== undefined) rows.set(row, made);
    } catch {
      // Who asked tries again, and is told what is wrong.
    }
  }
  return rows;
}

function putOne(path: Buffer, bytes: Uint8Array, oldPath: Buffer, known: BigInt64Array): BigIntStats | undefined {
  if (oldPath.length === 0) return createFile(path, bytes);
  const stat = lookAtKnown(oldPath, known);
  if (stat === undefined) return undefined;
  const isSame = holdsBytes(oldPath, stat, bytes);
  if (!oldPath.equals(path)) return isSame ? linkUnchanged(oldPath, stat, path) : createFile(path, bytes);
  if (isSame) return stat;
  unlinkSync(path);
  return createFile(path, bytes);
}

/** undefined if the file is not as it is known to be. */
function lookAtKnown(path: Buffer, [size, ino, ctimeNs]: BigInt64Array): BigIntStats | undefined {
  const stat = lstatSync(path, { bigint: true, throwIfNoEntry: false });
  return stat?.isFile() === true && stat.size === size && stat.ino === BigInt.asUintN(64, ino as bigint) && stat.ctimeNs === ctimeNs ? stat : undefined;
}
