/**
 * The spare: a second tree of a target's files, each a further name of the same inode, which stands beside it. The next version is made of it: what stays the same
 * stands there already, so that an update costs what it changes, not what the tree has (docs/decisions/0017).
 *
 * It is `spare/`, and `spare-cache` is what its inodes looked like, as a stat cache, which is there only while the spare is whole and nobody is working on it.
 */
import { renameSync, rmSync } from 'node:fs';
import type { Digest } from '../chunking/digest.ts';
import { Fate } from './fate.ts';
import { groupsStayWhole } from './hardlink-groups.ts';
import type { InodeWorkers } from './inode-workers.ts';
import { lstatIfThere } from './key-path.ts';
import type { OldTree } from './old-tree.ts';
import type { PruneRules } from './prune-tree.ts';
import { removeTree } from './remove-tree.ts';
import type { Survey } from './stage-survey.ts';
import { StatCache } from './stat-cache.ts';
import type { StageLayout, TargetLayout } from './target-layout.ts';

/** Moves the spare, if it is one of `root`, to where the stage is to be, and answers what is known of it. Whatever becomes of it then, it is no spare any more. */
export function takeSpare(layout: TargetLayout, root: Digest, stage: StageLayout): StatCache | undefined {
  const cache = StatCache.load(layout.spareCache, root);
  if (cache.count === 0 || lstatIfThere(layout.spare)?.isDirectory() !== true) return undefined;
  // Neither has to reach the disk: whatever is there after a power cut, no name of it is believed that does not look as it did.
  rmSync(layout.spareCache);
  renameSync(layout.spare, stage.tree);
  return cache;
}

/** There is none any more. The inodes of the target lose a name each by that, which moves their change times. */
export async function dropSpare(layout: TargetLayout, workers: InodeWorkers): Promise<void> {
  rmSync(layout.spareCache, { force: true });
  await removeTree(Buffer.from(layout.spare), workers);
}

/** Makes the tree at `path` the spare. */
export async function putSpare(layout: TargetLayout, path: string, cache: StatCache, workers: InodeWorkers): Promise<void> {
  await dropSpare(layout, workers);
  renameSync(path, layout.spare);
  cache.save(layout.spareCache);
}

/** What of the spare the new version may keep: what the manifests say stays, and is still as it was noted. */
export function spareRules({ fates, hardlinks }: Survey, old: OldTree, noted: StatCache): PruneRules {
  return {
    isNoted: (number, stat) => noted.matches(number, stat),
    fateOf: groupsStayWhole(hardlinks, ({ number, type }, look, { mayStay, mayWait }) => {
      const wanted = fates[number] ?? Fate.goes;
      const fate = mayStay && (mayWait || wanted !== Fate.namesake) ? wanted : Fate.goes;
      if (type === 'directory') return fate;
      const stat = look();
      if (stat === undefined || !noted.matches(number, stat)) return Fate.goes;
      if (fate === Fate.goes) old.willLoseName(number, stat);
      else if (fate !== Fate.namesake) old.noteKept(number, stat);
      return fate;
    }),
  };
}
