/** Where a capture of a tree is kept for the next one. */
import { join } from 'node:path';
import { hash } from '../chunking/hash.ts';
import { treeRoot } from './walk.ts';

/** Below `cacheDir`, the same for every path that leads to `dir`. Throws BC_TREE_UNREADABLE. */
export function captureCachePath(cacheDir: string, dir: string): string {
  return join(cacheDir, 'trees', hash(treeRoot(dir)));
}
