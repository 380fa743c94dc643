/** Calls on many inodes in one go, on whichever thread: see inode-workers.ts. */
import { lstatSync, unlinkSync, type BigIntStats } from 'node:fs';
import { createFile } from './create-file.ts';
import { holdsBytes } from './holds-bytes.ts';
import { InodeRows } from './inode-rows.ts';
import { linkUnchanged } from './link-unchanged.ts';

export type InodeJob = RowsJob | UnlinkJob;

/** Answered by what stands under each path then. */
export type RowsJob = LookJob | LinkJob | PutJob;

/** What do the paths look like, a link not followed? */
export interface LookJob {
  readonly kind: 'look';
  readonly paths: Uint8Array;
}

/** Gives each file of `from`, if it is as `known` says, the further name in `to`. */
export interface LinkJob {
  readonly kind: 'link';
  readonly from: Uint8Array;
  readonly to: Uint8Array;
  /** For each file its size, inode number and change time. */
  readonly known: BigInt64Array;
}

/** Brings files into being: each as a further name of its file in `from`, if that holds the same bytes, or else anew; not at all if that is not as `known` says. */
export interface PutJob {
  readonly kind: 'put';
  readonly to: Uint8Array;
  /** An empty path for a file that can only be new. */
  readonly from: Uint8Array;
  readonly known: BigInt64Array;
  /** One after the other. */
  readonly contents: Uint8Array;
}

/** Removes names, no directories. One that is gone is as good. */
export interface UnlinkJob {
  readonly kind: 'unlink';
  readonly paths: Uint8Array;
}

export const KNOWN_WORDS = 3;

/** Throws what unlink throws. */
export function unlinkAll({ paths }: UnlinkJob): void {
  for (const path of unpackPaths(paths)) {
    try {
      unlinkSync(path);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
  }
}

/** What each path looks like, or each new file then. Nothing where that could not be done. */
export function rowsOf(job: RowsJob): InodeRows {
  if (job.kind === 'look') return lookAtAll(unpackPaths(job.paths));
  return job.kind === 'link' ? linkAll(job) : putAll(job);
}

/** Each with a NUL after it, which no path has in it. */
export function packPaths(paths: readonly Uint8Array[]): Uint8Array {
  const packed = new Uint8Array(paths.reduce((sum, path) => sum + path.byteLength + 1, 0));
  let at = 0;
  for (const path of paths) {
    packed.set(path, at);
    at += path.byteLength + 1;
  }
  return packed;
}

function unpackPaths(packed: Uint8Array): Buffer[] {
  const bytes = Buffer.from(packed.buffer, packed.byteOffset, packed.byteLength);
  const paths: Buffer[] = [];
  for (let from = 0, end = bytes.indexOf(0); end >= 0; from = end + 1, end = bytes.indexOf(0, from)) paths.push(bytes.subarray(from, end));
  return paths;
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

function linkAll({ from, to, known }: LinkJob): InodeRows {
  const newPaths = unpackPaths(to);
  const rows = InodeRows.ofCount(newPaths.length);
  for (const [row, path] of unpackPaths(from).entries()) {
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
  return holdsBytes(oldPath, stat, bytes) ? linkUnchanged(oldPath, stat, path) : createFile(path, bytes);
}

/** undefined if the file is not as it is known to be. */
function lookAtKnown(path: Buffer, [size, ino, ctimeNs]: BigInt64Array): BigIntStats | undefined {
  const stat = lstatSync(path, { bigint: true, throwIfNoEntry: false });
  return stat?.isFile() === true && stat.size === size && stat.ino === BigInt.asUintN(64, ino as bigint) && stat.ctimeNs === ctimeNs ? stat : undefined;
}
