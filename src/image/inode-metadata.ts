/** What an inode says of itself, as a manifest records it, and back. */
import { chmodSync, chownSync, closeSync, constants, fstatSync, lchownSync, openSync, type BigIntStats } from 'node:fs';
import type { Entry, HardlinkEntry, Metadata } from '../manifest/entry.ts';
import type { Looked } from './inode-rows.ts';
import { O_PATH, setMtime } from './posix.ts';

/** By what a change of an inode, or another inode in its place, is noticed. */
export type InodeStamp = Pick<BigIntStats, 'dev' | 'ino' | 'size' | 'mtimeNs' | 'ctimeNs' | 'mode' | 'uid' | 'gid'>;

const NANOS = 1_000_000_000n;
const PERMISSION_BITS = 0o7777n;
/** <sys/stat.h> */
const S_IFMT = 0o170000n;
const S_IFLNK = 0o120000n;

/** Seconds are rounded towards the past, so that the nanoseconds after them are never negative. */
export function metadataOf(stat: Pick<BigIntStats, 'mode' | 'uid' | 'gid' | 'mtimeNs'>): Metadata {
  const nanos = ((stat.mtimeNs % NANOS) + NANOS) % NANOS;
  return {
    mode: Number(stat.mode & PERMISSION_BITS),
    uid: Number(stat.uid),
    gid: Number(stat.gid),
    mtimeSeconds: Number((stat.mtimeNs - nanos) / NANOS),
    mtimeNanos: Number(nanos),
  };
}

/** Owners are the layer's only where this process may give files away. */
export function setsOwners(): boolean {
  return process.getuid?.() === 0;
}

/** Whether an inode is as `wanted`, as far as this process could make it so. A symlink has no mode of its own. */
export function hasMetadata(stat: Pick<Looked, 'mtimeNs' | 'mode' | 'uid' | 'gid'>, wanted: Metadata): boolean {
  return hasMtime(stat, wanted) && ((stat.mode & S_IFMT) === S_IFLNK || (stat.mode & PERMISSION_BITS) === BigInt(wanted.mode)) && hasOwner(stat, wanted);
}

/** Setuid and setgid bits may not have been this process's to set. */
const ACCESS_BITS = 0o777n;

export function isOfType(stat: Looked, type: Exclude<Entry['type'], 'hardlink'>): boolean {
  return IS_TYPE[type](stat);
}

/** Whether an inode is of the entry's type, and has its size, owner and access, as far as this process could give it those. */
export function isOfEntry(stat: Looked, entry: Exclude<Entry, HardlinkEntry>): boolean {
  if (!IS_TYPE[entry.type](stat) || !hasOwner(stat, entry)) return false;
  if (entry.type === 'file' && stat.size !== BigInt(entry.sizeBytes)) return false;
  return entry.type === 'symlink' || (stat.mode & ACCESS_BITS) === (BigInt(entry.mode) & ACCESS_BITS);
}

const IS_TYPE: Readonly<Record<Exclude<Entry['type'], 'hardlink'>, (stat: Looked) => boolean>> = {
  file: (stat) => stat.isFile(),
  directory: (stat) => stat.isDirectory(),
  symlink: (stat) => stat.isSymbolicLink(),
  fifo: (stat) => stat.isFIFO(),
  'char-device': (stat) => stat.isCharacterDevice(),
  'block-device': (stat) => stat.isBlockDevice(),
};

export function hasMtime(stat: Pick<Looked, 'mtimeNs'>, { mtimeSeconds, mtimeNanos }: Metadata): boolean {
  return stat.mtimeNs === BigInt(mtimeSeconds) * NANOS + BigInt(mtimeNanos);
}

export function hasOwner(stat: Pick<Looked, 'uid' | 'gid'>, { uid, gid }: Metadata): boolean {
  return (stat.uid === BigInt(uid) && stat.gid === BigInt(gid)) || !setsOwners();
}

/** For what stands in a stage, where no name can change under us. Owner before mode, since a change of owner clears setuid. */
export function setMetadata(path: Buffer, wanted: Metadata, isSymlink = false): void {
  if (setsOwners()) lchownSync(path, wanted.uid, wanted.gid);
  if (!isSymlink) chmodSync(path, wanted.mode);
  setMtime(path, wanted.mtimeSeconds, wanted.mtimeNanos);
}

/**
 * For what stands where others may rename: changes the inode `ino` if the path leads to it, and nothing else, whatever takes
 * the name meanwhile. False if the path leads elsewhere.
 */
export function setMetadataOfInode(path: Buffer, ino: bigint, wanted: Metadata): boolean {
  const fd = openForMetadata(path);
  if (fd === undefined) return false;
  try {
    const stat = fstatSync(fd, { bigint: true });
    if (stat.ino !== ino || stat.isSymbolicLink()) return false;
    const inode = inodePath(fd, path);
    if (setsOwners()) chownSync(inode, wanted.uid, wanted.gid);
    chmodSync(inode, wanted.mode);
    setMtime(inode, wanted.mtimeSeconds, wanted.mtimeNanos, true);
    return true;
  } finally {
    closeSync(fd);
  }
}

/** A path that leads to the inode that openForMetadata() has opened, where there is one. */
export function inodePath(fd: number, path: Buffer): Buffer {
  return process.platform === 'linux' ? Buffer.from(`/proc/self/fd/${fd}`) : path;
}

/** The inode itself, which need not be readable, for its metadata only; undefined if nothing is there, or a link where none can be opened. */
export function openForMetadata(path: Buffer): number | undefined {
  const flags = process.platform === 'linux' ? O_PATH : constants.O_RDONLY | constants.O_NONBLOCK;
  try {
    return openSync(path, flags | constants.O_NOFOLLOW);
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'ELOOP'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined;
    throw error;
  }
}
