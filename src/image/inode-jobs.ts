/** Calls on many inodes in one go, on whichever thread: see inode-workers.ts. */
import { lstatSync, unlinkSync } from 'node:fs';
import { InodeRows } from './inode-rows.ts';
import { linkUnchanged } from './link-unchanged.ts';

export type InodeJob = LookJob | LinkJob | UnlinkJob;

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

/** What each path looks like; what each linked file looks like then. Nothing where that could not be done. */
export function rowsOf(job: LookJob | LinkJob): InodeRows {
  return job.kind === 'look' ? lookAtAll(unpackPaths(job.paths)) : linkAll(unpackPaths(job.from), unpackPaths(job.to), job.known);
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

function linkAll(from: readonly Buffer[], to: readonly Buffer[], known: BigInt64Array): InodeRows {
  const rows = InodeRows.ofCount(from.length);
  for (const [row, path] of from.entries()) {
    try {
      const stat = lstatSync(path, { bigint: true });
      const [size, ino, ctimeNs] = known.subarray(row * KNOWN_WORDS) as unknown as [bigint, bigint, bigint];
      if (!stat.isFile() || stat.size !== size || stat.ino !== BigInt.asUintN(64, ino) || stat.ctimeNs !== ctimeNs) continue;
      const linked = linkUnchanged(path, stat, to[row] as Buffer);
      if (linked !== undefined) rows.set(row, linked);
    } catch {
      // Who asked tries again, and is told what is wrong.
    }
  }
  return rows;
}
