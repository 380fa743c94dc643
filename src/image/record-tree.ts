/** Noting what the inodes of a tree look like that has come into force: what is changed behind branchcast's back is found by that. */
import type { Manifest } from '../manifest/read.ts';
import type { AppliedCheck } from './applied-check.ts';
import type { InodeWorkers } from './inode-workers.ts';
import { lookAtTree } from './look-at-tree.ts';
import { Pace } from './pace.ts';
import { StatCache } from './stat-cache.ts';
import type { TargetLayout } from './target-layout.ts';

export interface RecordInputs {
  readonly layout: TargetLayout;
  readonly manifest: Manifest;
  readonly check: AppliedCheck;
  readonly workers: InodeWorkers;
}

/** After the last name of the old tree is gone, since that changes the inodes which both had. What is not right is not noted, and so is written anew by the next stage. */
export async function recordTree({ layout, manifest, check, workers }: RecordInputs): Promise<void> {
  const pace = new Pace(undefined);
  const cache = new StatCache(manifest.root);
  let number = 0;
  for await (const { item: entries, result: looks } of lookAtTree(Buffer.from(layout.target), manifest, workers)) {
    if (pace.due) await pace.turn();
    for (const [at, entry] of entries.entries()) {
      const stat = looks.at(at);
      cache.set(number, check.isRight(number, entry, stat) ? stat : undefined);
      number += 1;
    }
  }
  cache.save(layout.statCache);
}
