/**
 * What differs between two manifests. Both trees are walked side by side in key order; a subtree that both hold is skipped by its
 * digest without being read, so that the cost is O(changes x depth), whatever the size of the trees.
 */
import type { Entry, PathKey } from './entry.ts';
import type { Interior } from './interior.ts';
import { compareKeys } from './key.ts';
import type { Leaf } from './leaf.ts';
import { treeChild, type TreeRef } from './node-reader.ts';
import type { Manifest } from './read.ts';

export interface ManifestChange {
  readonly kind: 'added' | 'removed' | 'changed';
  /** Undefined if added. */
  readonly before?: Entry;
  /** Undefined if removed. */
  readonly after?: Entry;
  /**
   * False if only metadata differs. True for another type, target or device number, and for a file of which any piece differs: also if a
   * small file's bytes are the same and the bundle that holds them was cut anew.
   */
  readonly contentChanged: boolean;
}

/** Changes in key order. Without `before` everything is added. Checks each node, but not the rules of the whole tree: that is a walk's task. */
export async function* diffManifests(before: Manifest | undefined, after: Manifest): AsyncGenerator<ManifestChange> {
  const [old, now] = [new Cursor(before), new Cursor(after)];
  for (;;) {
    if (old.done && now.done) return;
    if (old.done || now.done) {
      const side = old.done ? now : old;
      if (side.leaf === undefined) await side.open();
      else yield side === now ? added(now) : removed(old);
      continue;
    }
    if (old.leaf === undefined || now.leaf === undefined) {
      if (old.isSameSubtree(now)) {
        old.next();
        now.next();
      } else if (old.endsBefore(now)) yield removed(old);
      else if (now.endsBefore(old)) yield added(now);
      else await openHigher(old, now);
      continue;
    }
    const order = old.leaf.keys.compare(old.index, now.leaf.keys, now.index);
    if (order < 0) yield removed(old);
    else if (order > 0) yield added(now);
    else {
      if (!old.leaf.sameEntry(old.index, now.leaf, now.index)) {
        const contentChanged = !old.leaf.sameContent(old.index, now.leaf, now.index);
        yield { kind: 'changed', before: old.leaf.entryAt(old.index), after: now.leaf.entryAt(now.index), contentChanged };
      }
      old.next();
      now.next();
    }
  }
}

function added(side: Cursor): ManifestChange {
  return { kind: 'added', after: side.takeEntry(), contentChanged: true };
}

function removed(side: Cursor): ManifestChange {
  return { kind: 'removed', before: side.takeEntry(), contentChanged: true };
}

/** Two subtrees that differ are opened from the higher one down, so that equal ones meet at their own level. */
async function openHigher(a: Cursor, b: Cursor): Promise<void> {
  const [aLevel, bLevel] = [a.level, b.level];
  if (aLevel >= bLevel) await a.open();
  if (bLevel >= aLevel) await b.open();
}

interface Frame {
  readonly node: Interior;
  readonly after: PathKey | undefined;
  index: number;
}

/** A place in a tree: before a subtree that has not been opened, at an entry of a leaf, or at the end. */
class Cursor {
  /** The leaf that `index` is in; undefined before a subtree and at the end. */
  leaf: Leaf | undefined;
  index = 0;
  readonly #manifest: Manifest | undefined;
  readonly #above: Frame[] = [];
  /** The root, until it is opened. */
  #root: TreeRef | undefined;

  constructor(manifest: Manifest | undefined) {
    this.#manifest = manifest;
    this.#root = manifest === undefined ? undefined : { digest: manifest.root, claim: undefined };
  }

  get done(): boolean {
    return this.leaf === undefined && this.#root === undefined && this.#above.length === 0;
  }

  /** Level of what stands here: of a subtree; -1 for an entry; that of the root is not known before it is read, and above all others. */
  get level(): number {
    if (this.leaf !== undefined) return -1;
    if (this.#root !== undefined) return Number.POSITIVE_INFINITY;
    return (this.#top?.node.level ?? 0) - 1;
  }

  isSameSubtree(other: Cursor): boolean {
    if (this.leaf !== undefined || other.leaf !== undefined) return false;
    const [mine, theirs] = [this.#top, other.#top];
    if (mine !== undefined && theirs !== undefined) return mine.node.sameChild(mine.index, theirs.node, theirs.index);
    return this.#ref()?.digest === other.#ref()?.digest;
  }

  /** True if the entry here comes before everything in the subtree at which the other cursor stands. */
  endsBefore(other: Cursor): boolean {
    if (this.leaf === undefined || other.leaf !== undefined) return false;
    const after = other.#ref()?.claim?.after;
    return after !== undefined && compareKeys(this.leaf.keys.at(this.index), after) <= 0;
  }

  /** Goes into the subtree here. */
  async open(): Promise<void> {
    const ref = this.#ref();
    if (ref === undefined || this.#manifest === undefined) return;
    const { node } = await this.#manifest.nodes.tree(ref);
    this.#root = undefined;
    if (node.kind === 'interior') this.#above.push({ node, after: ref.claim?.after, index: 0 });
    else {
      this.leaf = node;
      this.index = 0;
    }
  }

  /** Past the entry or the subtree here. */
  next(): void {
    if (this.leaf !== undefined) {
      this.index += 1;
      if (this.index < this.leaf.entryCount) return;
      this.leaf = undefined;
    }
    this.#root = undefined;
    for (let top = this.#top; top !== undefined; top = this.#top) {
      top.index += 1;
      if (top.index < top.node.childCount) return;
      this.#above.pop();
    }
  }

  takeEntry(): Entry {
    const entry = (this.leaf as Leaf).entryAt(this.index);
    this.next();
    return entry;
  }

  get #top(): Frame | undefined {
    return this.#above.at(-1);
  }

  /** The subtree here. */
  #ref(): TreeRef | undefined {
    if (this.#root !== undefined) return this.#root;
    const top = this.#top;
    return top === undefined ? undefined : treeChild(top.node, top.index, top.after);
  }
}
