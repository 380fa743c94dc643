/**
 * What differs between two manifests. Both trees are walked side by side in key order; a subtree that both hold is skipped by its
 * digest without being read, so that the cost is O(changes x depth), whatever the size of the trees.
 */
import { LeafChange, type ManifestChange } from './change.ts';
import type { Manifest } from './read.ts';
import { TreeCursor } from './tree-cursor.ts';

/**
 * Changes in key order. Without `before` everything is added. Checks each node, but not the rules of the whole tree: that is a walk's task.
 * A node is checked as a whole when it is read, before the first change of it is given out: the entries of a change, which are made
 * when they are asked for, throw nothing. A change keeps its leaves in memory; detached() makes one that does not.
 */
export async function* diffManifests(before: Manifest | undefined, after: Manifest): AsyncGenerator<ManifestChange> {
  for await (const run of diffRuns(before, after)) yield* run;
}

/** The same, some at a time, those of two leaves at most: to wait for each change takes a fifth of the time of a diff. */
export async function* diffRuns(before: Manifest | undefined, after: Manifest): AsyncGenerator<readonly ManifestChange[]> {
  const [old, now] = [new TreeCursor(before), new TreeCursor(after)];
  for (;;) {
    const run: ManifestChange[] = [];
    for (let change = nextChange(old, now); change !== undefined; change = nextChange(old, now)) run.push(change);
    if (run.length > 0) yield run;
    if (old.done && now.done) return;
    await openHigher(old, now);
  }
}

/** Walks to the next change and past it; undefined where a node must be opened first, and at the end. */
function nextChange(old: TreeCursor, now: TreeCursor): ManifestChange | undefined {
  for (;;) {
    if (old.leaf !== undefined && now.leaf !== undefined) {
      const order = old.leaf.keys.compare(old.index, now.leaf.keys, now.index);
      if (order !== 0) return order < 0 ? takeRemoved(old) : takeAdded(now);
      const change = LeafChange.between(old.leaf, old.index, now.leaf, now.index);
      old.next();
      now.next();
      if (change !== undefined) return change;
    } else if (old.done || now.done) {
      return old.done ? takeAdded(now) : takeRemoved(old);
    } else if (old.isSameSubtree(now)) {
      old.next();
      now.next();
    } else if (old.endsBefore(now)) {
      return takeRemoved(old);
    } else {
      return now.endsBefore(old) ? takeAdded(now) : undefined;
    }
  }
}

function takeAdded(now: TreeCursor): ManifestChange | undefined {
  if (now.leaf === undefined) return undefined;
  const change = LeafChange.added(now.leaf, now.index);
  now.next();
  return change;
}

function takeRemoved(old: TreeCursor): ManifestChange | undefined {
  if (old.leaf === undefined) return undefined;
  const change = LeafChange.removed(old.leaf, old.index);
  old.next();
  return change;
}

/** Two subtrees that differ are opened from the higher one down, so that equal ones meet at their own level. */
async function openHigher(a: TreeCursor, b: TreeCursor): Promise<void> {
  const [aLevel, bLevel] = [a.level, b.level];
  if (a.done || aLevel < bLevel) await b.open();
  else if (b.done || bLevel < aLevel) await a.open();
  else {
    await a.open();
    await b.open();
  }
}
