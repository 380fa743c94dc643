/** Where a manifest's key is on a disk. */
import { lstatSync, type BigIntStats } from 'node:fs';
import type { PathKey } from '../manifest/entry.ts';
import { NUL, parentKey, SLASH } from '../manifest/key.ts';

/** `root` and the key's components. The key has been checked: it has no component that leads out. */
export function pathBelow(root: Buffer, key: PathKey): Buffer {
  if (key.length === 0) return root;
  const path = Buffer.allocUnsafe(root.length + 1 + key.length);
  path.set(root);
  path[root.length] = SLASH;
  // Byte by byte: paths are short, and this is done for every entry of a tree.
  for (let at = 0, to = root.length + 1; at < key.length; at += 1, to += 1) path[to] = key[at] === NUL ? SLASH : (key[at] as number);
  return path;
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
