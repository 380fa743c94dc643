/** Two manifests side by side, entry by entry in key order. Entries are made only for who asks for them: of most, all that is asked is whether they differ. */
import type { Entry, PathKey } from './entry.ts';
import type { EntryDifference, Leaf } from './leaf.ts';
import type { LeafRun, Manifest } from './read.ts';

/** Of what one of two manifests says of a name. */
export interface JoinedEntry {
  readonly type: Entry['type'];
  /** Its number among the entries of its manifest. */
  readonly number: number;
  /** Made anew each time. */
  entry(): Entry;
}

export interface JoinedName {
  readonly key: PathKey;
  /** undefined where the manifest does not have the name. */
  readonly old: JoinedEntry | undefined;
  readonly now: JoinedEntry | undefined;
  /** `content` if only one has it. */
  difference(): EntryDifference;
}

/**
 * Calls `visit` with every name of either manifest once, in ascending order; what it is given is another name's after the call. `turn` is called between
 * leaves. Checks what Manifest.leaves() checks, and throws what that throws.
 */
export async function joinManifests(before: Manifest | undefined, after: Manifest, visit: (name: JoinedName) => void, turn: () => Promise<void>): Promise<void> {
  const [old, now] = [new Side(before), new Side(after)];
  const name = new Name(old, now);
  try {
    for (;;) {
      await old.fill();
      await now.fill();
      if (old.leaf === undefined && now.leaf === undefined) return;
      while (old.isFilled && now.isFilled && name.turnTo()) {
        visit(name);
        name.leave();
      }
      await turn();
    }
  } finally {
    await old.close();
    await now.close();
  }
}

/** The entry of one manifest that a join has come to. */
class Side implements JoinedEntry {
  number = 0;
  leaf: Leaf | undefined;
  at = 0;
  #to = 0;
  #isAtEnd: boolean;
  #digest: LeafRun['digest'] | undefined;
  readonly #leaves: AsyncGenerator<LeafRun> | undefined;

  constructor(manifest: Manifest | undefined) {
    this.#leaves = manifest?.leaves();
    this.#isAtEnd = manifest === undefined;
  }

  get type(): Entry['type'] {
    return (this.leaf as Leaf).typeAt(this.at);
  }

  get key(): PathKey {
    return (this.leaf as Leaf).keys.at(this.at);
  }

  /** There is an entry, or the end has come. */
  get isFilled(): boolean {
    return this.#isAtEnd || this.at < this.#to;
  }

  entry(): Entry {
    return (this.leaf as Leaf).entryAt(this.at);
  }

  /** Whether the other side has come to the same place of the same leaf. */
  isAtSamePlace(other: Side): boolean {
    return this.#digest === other.#digest && this.at === other.at;
  }

  async fill(): Promise<void> {
    while (!this.isFilled) {
      const { done, value } = await (this.#leaves as AsyncGenerator<LeafRun>).next();
      this.#isAtEnd = done === true;
      if (done === true) this.leaf = undefined;
      else [this.#digest, this.leaf, this.at, this.#to] = [value.digest, value.leaf, value.from, value.to];
    }
  }

  next(): void {
    this.at += 1;
    this.number += 1;
  }

  async close(): Promise<void> {
    await this.#leaves?.return(undefined);
  }
}

class Name implements JoinedName {
  old: JoinedEntry | undefined;
  now: JoinedEntry | undefined;
  readonly #old: Side;
  readonly #now: Side;

  constructor(old: Side, now: Side) {
    this.#old = old;
    this.#now = now;
  }

  get key(): PathKey {
    return this.now === undefined ? this.#old.key : this.#now.key;
  }

  difference(): EntryDifference {
    const [old, now] = [this.#old, this.#now];
    if (this.old === undefined || this.now === undefined) return 'content';
    return old.isAtSamePlace(now) ? 'none' : (old.leaf as Leaf).difference(old.at, now.leaf as Leaf, now.at);
  }

  /** False if no side has any entry left. Both must be filled. */
  turnTo(): boolean {
    const [old, now] = [this.#old, this.#now];
    if (old.leaf === undefined && now.leaf === undefined) return false;
    const order = old.leaf === undefined ? 1 : now.leaf === undefined ? -1 : old.isAtSamePlace(now) ? 0 : old.leaf.keys.compare(old.at, now.leaf.keys, now.at);
    this.old = order <= 0 ? old : undefined;
    this.now = order >= 0 ? now : undefined;
    return true;
  }

  /** On from the name that it has turned to. */
  leave(): void {
    if (this.old !== undefined) this.#old.next();
    if (this.now !== undefined) this.#now.next();
  }
}
