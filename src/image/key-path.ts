/** Where a manifest's key is on a disk. */
import { lstatSync, type BigIntStats } from 'node:fs';
import type { PathKey } from '../manifest/entry.ts';
import { parentKey, pathOfKey } from '../manifest/key.ts';

const SLASH = Buffer.from('/');

/** `root` and the key's components. The key has been checked: it has no component that leads out. */
export function pathBelow(root: Buffer, key: PathKey): Buffer {
  return key.length === 0 ? root : Buffer.concat([root, SLASH, pathOfKey(key)]);
}

/** What the path itself is, a link not followed; undefined if nothing is there. */
export function lstatIfThere(path: Buffer | string): BigIntStats | undefined {
  try {
    return lstatSync(path, { bigint: true });
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'ELOOP', 'ENAMETOOLONG'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined;
    throw error;
  }
}

/** True if every directory between `root` and the key's entry is one, and no link to elsewhere. */
export function isPlainBelow(root: Buffer, key: PathKey): boolean {
  for (let above = parentKey(key); above !== undefined; above = parentKey(above)) {
    if (lstatIfThere(pathBelow(root, above))?.isDirectory() !== true) return false;
  }
  return true;
}
