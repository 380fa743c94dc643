/**
 * Directories of a tree of branchcast's own that others may have open, since the tree has stood in a target: by the modes of the layer somebody may still change what the
 * names in them mean, while this process, which may be root's, goes by those names.
 */
import { chmodSync, chownSync, closeSync, fstatSync, type BigIntStats } from 'node:fs';
import type { PathKey } from '../manifest/entry.ts';
import { parentKey } from '../manifest/key.ts';
import { inodePath, openForMetadata, type InodeStamp } from './inode-metadata.ts';
import { lstatIfThere, pathBelow } from './key-path.ts';

const S_IRWXU = 0o700n;
const S_IWOTHERS = 0o022n;

/** Whether only root and this process's user may change what is in a directory, and this one may. What an ACL allows is in the group's bits (acl(5)). */
export function isPrivate({ mode, uid }: Pick<InodeStamp, 'mode' | 'uid'>): boolean {
  return uid === BigInt(process.getuid?.() ?? 0) && (mode & S_IWOTHERS) === 0n && (mode & S_IRWXU) === S_IRWXU;
}

/** Makes a directory private, if `path` leads to one, and answers what it looked like; undefined otherwise. What it is in must be private: then nobody exchanges it. */
export function sealDirectory(path: Buffer): BigIntStats | undefined {
  const fd = openForMetadata(path);
  if (fd === undefined) return undefined;
  try {
    const stat = fstatSync(fd, { bigint: true });
    if (!stat.isDirectory()) return undefined;
    if (isPrivate(stat)) return stat;
    const inode = inodePath(fd, path);
    const uid = process.getuid?.();
    if (uid !== undefined && stat.uid !== BigInt(uid)) chownSync(inode, uid, -1);
    chmodSync(inode, 0o700);
    return stat;
  } finally {
    closeSync(fd);
  }
}

/** Whether every directory from `root` to the one that the key's entry is in is private, and no link to elsewhere. */
export function isPrivateBelow(root: Buffer, key: PathKey): boolean {
  for (let above = parentKey(key); above !== undefined; above = parentKey(above)) {
    const stat = lstatIfThere(pathBelow(root, above));
    if (stat?.isDirectory() !== true || !isPrivate(stat)) return false;
  }
  return true;
}
