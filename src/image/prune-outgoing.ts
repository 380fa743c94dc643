/** What of the tree that was in the target may be a part of the spare of the one that is. */
import { Fate } from './fate.ts';
import { groupsStayWhole } from './hardlink-groups.ts';
import type { InodeWorkers } from './inode-workers.ts';
import type { OldTree } from './old-tree.ts';
import { Pace } from './pace.ts';
import { pruneTree, type PruneRules } from './prune-tree.ts';
import type { StagePlan } from './stage-builder.ts';
import { NO_ENTRY } from './stage-survey.ts';
import { Standing } from './standing.ts';

/** Leaves of the old tree, which stands at `tree` now, what the new one shares with it by `plan`. Answers what pruneTree() does. */
export async function pruneOutgoing(tree: Buffer, old: OldTree, { origins, standing, survey }: Pick<StagePlan, 'origins' | 'standing' | 'survey'>, workers: InodeWorkers): Promise<Uint8Array> {
  // By the old entry's number: the new tree has its inode under the same name.
  const isShared = new Uint8Array(survey.fates.length);
  for (const [number, origin] of origins.entries()) {
    const same = origin >= 0 ? origin : standing[number] === Standing.intact ? (survey.same[number] ?? NO_ENTRY) : NO_ENTRY;
    const isSameName = same === survey.same[number] || same === survey.namesakes[number];
    if (same !== NO_ENTRY && isSameName) isShared[same] = 1;
  }
  const rules: PruneRules = {
    isNoted: (number, stat) => old.isUnchanged(number, stat),
    fateOf: groupsStayWhole(survey.hardlinks, ({ number, type, isInNoted }, look, { mayStay }) => {
      const fate = survey.fates[number] ?? Fate.goes;
      if (type === 'directory') return fate;
      if (!mayStay || (type === 'hardlink' ? fate !== Fate.stays : isShared[number] !== 1)) return Fate.goes;
      if (isInNoted) return Fate.stays;
      const stat = look();
      return stat !== undefined && old.isUnchanged(number, stat) ? Fate.stays : Fate.goes;
    }),
  };
  return pruneTree(tree, old.manifest, rules, workers, new Pace(undefined));
}
