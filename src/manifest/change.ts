/** One path that differs between two manifests. */
import type { Entry } from './entry.ts';
import type { Leaf } from './leaf.ts';

export interface ManifestChange {
  readonly kind: 'added' | 'removed' | 'changed';
  /** Undefined if added. Always the same object. */
  readonly before?: Entry | undefined;
  /** Undefined if removed. Always the same object. */
  readonly after?: Entry | undefined;
  /**
   * False if only metadata differs. True for another type, target or device number, and for a file of which any piece differs: also if a
   * small file's bytes are the same and the bundle that holds them was cut anew.
   */
  readonly contentChanged: boolean;
}

/** A change of what stands in leaves. Its entries are made when they are first asked for: many are never looked at. The leaves were checked when they were read, so that cannot fail. */
export class LeafChange implements ManifestChange {
  readonly kind: ManifestChange['kind'];
  readonly contentChanged: boolean;
  readonly #beforeLeaf: Leaf | undefined;
  readonly #beforeIndex: number;
  readonly #afterLeaf: Leaf | undefined;
  readonly #afterIndex: number;
  #before: Entry | undefined = undefined;
  #after: Entry | undefined = undefined;

  private constructor(kind: ManifestChange['kind'], contentChanged: boolean, beforeLeaf: Leaf | undefined, beforeIndex: number, afterLeaf: Leaf | undefined, afterIndex: number) {
    this.kind = kind;
    this.contentChanged = contentChanged;
    this.#beforeLeaf = beforeLeaf;
    this.#beforeIndex = beforeIndex;
    this.#afterLeaf = afterLeaf;
    this.#afterIndex = afterIndex;
  }

  static added(leaf: Leaf, index: number): LeafChange {
    return new LeafChange('added', true, undefined, 0, leaf, index);
  }

  static removed(leaf: Leaf, index: number): LeafChange {
    return new LeafChange('removed', true, leaf, index, undefined, 0);
  }

  /** undefined if both say the same. */
  static between(before: Leaf, beforeIndex: number, after: Leaf, afterIndex: number): LeafChange | undefined {
    const difference = before.difference(beforeIndex, after, afterIndex);
    return difference === 'none' ? undefined : new LeafChange('changed', difference === 'content', before, beforeIndex, after, afterIndex);
  }

  get before(): Entry | undefined {
    return (this.#before ??= this.#beforeLeaf?.entryAt(this.#beforeIndex));
  }

  get after(): Entry | undefined {
    return (this.#after ??= this.#afterLeaf?.entryAt(this.#afterIndex));
  }
}

/** The same change with its entries made, which keeps neither leaf in memory: for whoever keeps many. */
export function detached(change: ManifestChange): ManifestChange {
  if (!(change instanceof LeafChange)) return change;
  const { kind, before, after, contentChanged } = change;
  return { kind, before, after, contentChanged };
}
