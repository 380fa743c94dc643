/** Reading a regular file so that a change meanwhile is noticed. */
import { closeSync, constants, fstatSync, openSync, readSync, type BigIntStats } from 'node:fs';
import { BranchcastError, hasCode } from '../base/errors.ts';
import type { InodeStamp } from './inode-metadata.ts';
import type { Looked } from './inode-rows.ts';
import { statOfFile, treeError } from './walk.ts';

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

/** A file by its inode, and its bytes while it was that. */
export interface FoundFile {
  readonly stat: BigIntStats;
  readonly bytes: Uint8Array | undefined;
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
  stat: Looked,
  attempt: (stat: Looked) => Generator<Block, Result, undefined>,
): Generator<Block, Result, undefined> {
  try {
    return yield* attempt(stat);
  } catch (error) {
    if (!hasCode(error, 'BC_TREE_CHANGED')) throw error;
  }
  return yield* attempt(statOfFile(path));
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

/**
 * Looks at a regular file and reads it, by one name only: into what `place` has for its size, if that is something. undefined if it could not be opened, is no regular file, or changed
 * meanwhile: whoever looks at it by its path then says what is wrong.
 */
export function readAsFound(path: Buffer, place: (sizeBytes: number) => Uint8Array | undefined): FoundFile | undefined {
  let fd: number | undefined;
  try {
    fd = openSync(path, OPEN_FLAGS);
    const stat = fstatSync(fd, { bigint: true });
    if (!stat.isFile()) return undefined;
    const bytes = place(Number(stat.size));
    if (bytes === undefined) return { stat, bytes };
    let readBytes = 0;
    for (let count = 1; count > 0 && readBytes < bytes.byteLength; readBytes += count) count = readSync(fd, bytes, readBytes, bytes.byteLength - readBytes, null);
    return readBytes === bytes.byteLength && sameFile(fstatSync(fd, { bigint: true }), stat) ? { stat, bytes } : undefined;
  } catch {
    return undefined;
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}
