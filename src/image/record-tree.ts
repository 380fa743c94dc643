/** Noting what the inodes of a tree look like that has come into force: what is changed behind branchcast's back is found by that. */
import type { Entry } from '../manifest/entry.ts';
import type { Manifest } from '../manifest/read.ts';
import { hasMtime, hasOwner } from './inode-metadata.ts';
import type { Looked } from './inode-rows.ts';
import type { InodeWorkers } from './inode-workers.ts';
import { lookAtTree } from './look-at-tree.ts';
import { Pace } from './pace.ts';
import { StatCache } from './stat-cache.ts';
import type { TargetLayout } from './target-layout.ts';

export interface RecordInputs {
  readonly layout: TargetLayout;
  readonly manifest: Manifest;
  /** By the entry's number: that of an old entry whose inode it has, or a negative number. */
  readonly origins: readonly number[];
  readonly inForceNs: bigint;
  readonly workers: InodeWorkers;
}

/**
 * After the last name of the old tree is gone, since that changes the inodes which both had. Others may have worked in the new tree since it is in force:
 * what they have changed is not noted, and so is written anew by the next stage.
 */
export async function recordTree({ layout, manifest, origins, inForceNs, workers }: RecordInputs): Promise<void> {
  const pace = new Pace(undefined);
  const cache = new StatCache(manifest.root);
  let index = 0;
  for await (const { item: entries, result: looks } of lookAtTree(Buffer.from(layout.target), manifest, workers)) {
    if (pace.due) await pace.turn();
    for (const [at, entry] of entries.entries()) {
      const stat = looks.at(at);
      const isRight = stat !== undefined && (stat.ctimeNs < inForceNs || isButLessNames(stat, entry, (origins[index] ?? -1) >= 0, inForceNs));
      cache.set(index, isRight ? stat : undefined);
      index += 1;
    }
  }
  cache.save(layout.statCache);
}

/** Setuid and setgid bits may not have been this process's to set. */
const ACCESS_BITS = 0o777;

/** Whether an inode has lost the names that it had in the old tree, which moves its change time, and is else as it was: as far as can be told. */
function isButLessNames(stat: Looked, entry: Entry, isShared: boolean, inForceNs: bigint): boolean {
  // Its first name says whether it is right.
  if (entry.type === 'hardlink') return stat.mtimeNs < inForceNs;
  if (entry.type !== 'file' || !isShared) return false;
  const isUnwritten = stat.size === BigInt(entry.sizeBytes) && (stat.mtimeNs < inForceNs || hasMtime(stat, entry));
  return isUnwritten && stat.isFile() && (Number(stat.mode) & ACCESS_BITS) === (entry.mode & ACCESS_BITS) && hasOwner(stat, entry);
}
