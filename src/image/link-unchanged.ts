/** A further name for an inode that has been looked at. */
import { linkSync, unlinkSync, type BigIntStats } from 'node:fs';
import { lstatIfThere } from './key-path.ts';

type Stamp = Pick<BigIntStats, 'ino' | 'dev' | 'size' | 'mtimeNs' | 'mode'>;

/** What the file looks like with the new name; undefined if it has not been given: the file is another by now, or cannot be linked. */
export function linkUnchanged(path: Buffer, stat: Stamp, newPath: Buffer): BigIntStats | undefined {
  if (!tryLink(path, newPath)) return undefined;
  // The name may have come to mean another file since it was looked at.
  const linked = lstatIfThere(newPath);
  if (linked !== undefined && isSameContent(linked, stat)) return linked;
  unlinkSync(newPath);
  return undefined;
}

function tryLink(from: Buffer, to: Buffer): boolean {
  try {
    linkSync(from, to);
    return true;
  } catch (error) {
    // Too many names, not ours to link (fs.protected_hardlinks), gone, or no hard links on this file system.
    if (['EMLINK', 'EPERM', 'EACCES', 'EXDEV', 'ENOENT', 'ENOTDIR', 'ENOTSUP', 'EOPNOTSUPP'].includes((error as NodeJS.ErrnoException).code ?? '')) return false;
    throw error;
  }
}

function isSameContent(a: Stamp, b: Stamp): boolean {
  return a.mode === b.mode && a.ino === b.ino && a.dev === b.dev && a.size === b.size && a.mtimeNs === b.mtimeNs;
}
