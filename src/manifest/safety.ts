/**
 * The rules that hold over a whole tree, checked as its entries go by in order: the root directory first, keys ascending, and every
 * entry in a directory. Whoever writes a tree onto a disk relies on them: a link cannot stand where a directory is expected.
 */
import type { Entry, PathKey } from './entry.ts';
import { compareKeys, displayPath, isWithin, keyProblem, parentLength, type KeyProblem } from './key.ts';

export class SafetyCheck {
  /** The directories that the last entry is in, and the last entry itself if it is one; the root first. */
  readonly #directories: PathKey[];
  #lastKey: PathKey | undefined;

  /** `above`: the directories that the first entry is in, the root first, for a walk that does not begin at the root. */
  constructor(above: readonly PathKey[] = []) {
    this.#directories = [...above];
    this.#lastKey = above.at(-1);
  }

  /** What is wrong with this entry in its place; undefined if nothing. After a problem the check is of no further use. */
  next(key: PathKey, type: Entry['type']): KeyProblem | undefined {
    const directories = this.#directories;
    if (this.#lastKey === undefined) {
      if (key.length > 0 || type !== 'directory') return { code: 'BC_MANIFEST_MALFORMED', what: 'the first entry is not the root directory' };
    } else {
      if (compareKeys(this.#lastKey, key) >= 0) return { code: 'BC_MANIFEST_MALFORMED', what: `${displayPath(key)} comes after ${displayPath(this.#lastKey)}` };
      let directory = directories.at(-1);
      while (directory !== undefined && !isWithin(key, directory)) {
        directories.pop();
        directory = directories.at(-1);
      }
      if (directory?.length !== parentLength(key)) return { code: 'BC_MANIFEST_UNSAFE', what: `${displayPath(key)} stands in what is not a directory` };
    }
    this.#lastKey = key;
    if (type === 'directory') directories.push(key);
    return undefined;
  }
}

/** The same with the key's own form, for keys that no node has been decoded from. */
export function firstProblem(check: SafetyCheck, entry: Entry): KeyProblem | undefined {
  return keyProblem(entry.key) ?? check.next(entry.key, entry.type);
}
