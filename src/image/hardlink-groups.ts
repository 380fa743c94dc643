/** Files with several names, of two versions of a tree. A group that gains or loses a name is made anew: each of its names would look changed. */
import type { HardlinkEntry, PathKey } from '../manifest/entry.ts';
import { Fate } from './fate.ts';
import type { InodeStamp } from './inode-metadata.ts';
import type { PrunedName, PruneRules } from './prune-tree.ts';

/** By the first name as latin1 text: the further ones, in key order. */
type Groups = Map<string, PathKey[]>;

export class HardlinkGroups {
  readonly #old: Groups = new Map();
  readonly #new: Groups = new Map();

  noteOld({ key, target }: HardlinkEntry): void {
    note(this.#old, target, key);
  }

  noteNew({ key, target }: HardlinkEntry): void {
    note(this.#new, target, key);
  }

  /** Further names of a file of the new tree. */
  namesOf(first: PathKey): readonly PathKey[] {
    return this.#new.size === 0 ? [] : (this.#new.get(textOf(first)) ?? []);
  }

  /** Whether a file of the old tree has further names. */
  hadNames(first: PathKey): boolean {
    return this.#old.size > 0 && this.#old.has(textOf(first));
  }

  /** Whether a file has other further names than it had. When all have been noted. */
  isRegrouped(first: PathKey): boolean {
    if (this.#old.size === 0 && this.#new.size === 0) return false;
    const text = textOf(first);
    const [old, now] = [this.#old.get(text) ?? [], this.#new.get(text) ?? []];
    return old.length !== now.length || old.some((key, at) => Buffer.compare(key, now[at] as PathKey) !== 0);
  }
}

/** What may become of a name, for the sake of its file's other names. */
export interface GroupRule {
  /** False: it goes. */
  readonly mayStay: boolean;
  /** False: it stays or goes, at once. What may yet have to make way would take its further names with it. */
  readonly mayWait: boolean;
}

/** The rule `fateOf` for files that have further names, and for those: a group stays as a whole, or goes. */
export function groupsStayWhole(groups: HardlinkGroups, fateOf: (name: PrunedName, look: () => InodeStamp | undefined, rule: GroupRule) => number): PruneRules['fateOf'] {
  const gone = new Set<string>();
  return (name, look) => {
    const first = name.type === 'hardlink' ? (name.entry() as HardlinkEntry).target : name.key;
    if (!groups.hadNames(first)) return fateOf(name, look, { mayStay: !groups.isRegrouped(first), mayWait: true });
    const fate = fateOf(name, look, { mayStay: !groups.isRegrouped(first) && !gone.has(textOf(first)), mayWait: false });
    if (fate === Fate.goes) gone.add(textOf(first));
    return fate;
  };
}

function note(groups: Groups, first: PathKey, key: PathKey): void {
  const text = textOf(first);
  const names = groups.get(text);
  if (names === undefined) groups.set(text, [key]);
  else names.push(key);
}

/** Of a file's first name, to find its group by. */
export function textOf(key: PathKey): string {
  return Buffer.from(key).toString('latin1');
}
