/** Reading a regular file so that a change meanwhile is noticed. */
import { closeSync, constants, fstatSync, lstatSync, openSync, readSync, type BigIntStats } from 'node:fs';
import { BranchcastError, hasCode } from '../base/errors.ts';
import type { InodeStamp } from './inode-metadata.ts';
import { treeError } from './walk.ts';

/** Never through a symlink, and never waiting for the other end of a fifo that took the file's place. */
const OPEN_FLAGS = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/** A regular file, open. `finish` is what makes its bytes believable. */
export interface StableFile {
  /** The next bytes into `into`; 0 at the end. */
  read(into: Uint8Array): number;
  /** Throws BC_TREE_CHANGED unless the whole of the file as `stat` describes it has been read, and it is still that file. */
  finish(): void;
  close(): void;
}

/** Opens the file that `stat`, an lstat of the path, describes. */
export function openStable(path: Buffer, stat: InodeStamp): StableFile {
  let fd: number;
  try {
    fd = openSync(path, OPEN_FLAGS);
  } catch (error) {
    throw treeError(path, 'the file', error);
  }
  let readBytes = 0n;
  return {
    read(into) {
      try {
        const count = readSync(fd, into, 0, into.byteLength, null);
        readBytes += BigInt(count);
        return count;
      } catch (error) {
        throw treeError(path, 'the file', error);
      }
    },
    finish() {
      const now = fstatSync(fd, { bigint: true });
      if (readBytes === stat.size && sameFile(now, stat)) return;
      throw changedWhileRead(path);
    },
    close() {
      closeSync(fd);
    },
  };
}

export function changedWhileRead(path: Buffer): BranchcastError {
  return new BranchcastError('BC_TREE_CHANGED', `the file ${path.toString()} changed while it was read`, { details: { path: path.toString() } });
}

function sameFile(a: InodeStamp, b: InodeStamp): boolean {
  return a.ino === b.ino && a.dev === b.dev && a.size === b.size && a.mtimeNs === b.mtimeNs && a.ctimeNs === b.ctimeNs;
}

/**
 * Calls `attempt` with the file's stat, and once more with a fresh one if the file changed meanwhile: a file written to just
 * then is often at rest a moment later.
 */
export function* retryOnce<Block, Result>(
  path: Buffer,
  stat: BigIntStats,
  attempt: (stat: BigIntStats) => Generator<Block, Result, undefined>,
): Generator<Block, Result, undefined> {
  try {
    return yield* attempt(stat);
  } catch (error) {
    if (!hasCode(error, 'BC_TREE_CHANGED')) throw error;
  }
  return yield* attempt(freshStat(path));
}

/** Of a file that has changed, before it is read again. Throws BC_TREE_CHANGED if it is no file any more. */
export function freshStat(path: Buffer): BigIntStats {
  let fresh: BigIntStats;
  try {
    fresh = lstatSync(path, { bigint: true });
  } catch (error) {
    throw treeError(path, 'the file', error);
  }
  if (!fresh.isFile()) throw new BranchcastError('BC_TREE_CHANGED', `${path.toString()} was a file and no longer is`, { details: { path: path.toString() } });
  return fresh;
}

/** Reads the file that `stat` describes into memory of just its size. */
export function readWhole(path: Buffer, stat: InodeStamp, into: Uint8Array): void {
  const file = openStable(path, stat);
  try {
    for (let at = 0, count = 1; count > 0 && at < into.byteLength; at += count) count = file.read(into.subarray(at));
    file.finish();
  } finally {
    file.close();
  }
}
