/** A place in a manifest's tree: before a subtree that has not been opened, at an entry of a leaf, or at the end. */
import type { PathKey } from './entry.ts';
import type { Interior } from './interior.ts';
import type { Leaf } from './leaf.ts';
import { treeChild, type TreeRef } from './node-reader.ts';
import type { Manifest } from './read.ts';

interface Frame {
  readonly node: Interior;
  readonly after: PathKey | undefined;
  index: number;
}

export class TreeCursor {
  /** The leaf that `index` is in; undefined before a subtree and at the end. */
  leaf: Leaf | undefined = undefined;
  index = 0;
  readonly #manifest: Manifest | undefined;
  readonly #above: Frame[] = [];
  /** The root, until it is opened. */
  #root: TreeRef | undefined;

  /** Without a manifest it stands at the end. */
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

  isSameSubtree(other: TreeCursor): boolean {
    if (this.leaf !== undefined || other.leaf !== undefined) return false;
    const [mine, theirs] = [this.#top, other.#top];
    if (mine !== undefined && theirs !== undefined) return mine.node.sameChild(mine.index, theirs.node, theirs.index);
    return this.#ref()?.digest === other.#ref()?.digest;
  }

  /** True if the entry here comes before everything in the subtree at which the other cursor stands, by what that one's parent claims. */
  endsBefore(other: TreeCursor): boolean {
    const top = other.#top;
    if (this.leaf === undefined || other.leaf !== undefined || top === undefined) return false;
    if (top.index > 0) return this.leaf.keys.compare(this.index, top.node.keys, top.index - 1) <= 0;
    return top.after !== undefined && this.leaf.keys.compareTo(this.index, top.after) <= 0;
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
