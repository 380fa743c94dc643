/** What stands in a directory where a manifest has its entries. */
import { ahead, type Done } from '../base/ahead.ts';
import { INODE_JOBS_AHEAD } from '../base/limits/trees.ts';
import type { Entry } from '../manifest/entry.ts';
import type { Manifest } from '../manifest/read.ts';
import type { InodeWorkers, Looks } from './inode-workers.ts';

/** Every entry in key order, some at a time, with what is there. */
export function lookAtTree(root: Buffer, manifest: Manifest, workers: InodeWorkers): AsyncGenerator<Done<readonly Entry[], Looks>, void, undefined> {
  return ahead(manifest.runs(), INODE_JOBS_AHEAD, (entries) => workers.look(root, entries.map(({ key }) => key)));
}
