/** Whether what stands in a tree that has come into force is what was put there: others may work in it since. */
import type { Entry, PathKey } from '../manifest/entry.ts';
import { isWithin } from '../manifest/key.ts';
import type { HardlinkGroups } from './hardlink-groups.ts';
import { hasMtime, isOfEntry, isOfType } from './inode-metadata.ts';
import type { Looked } from './inode-rows.ts';

export interface AppliedInputs {
  readonly inForceNs: bigint;
  /** By the entry's number: the inode that was put there, where that is known. Of a directory it must be. */
  readonly inodeOf: (number: number) => bigint | undefined;
  readonly hardlinks: Pick<HardlinkGroups, 'namesOf'>;
}

export class AppliedCheck {
  readonly #inputs: AppliedInputs;
  /** The directories that the last entry is in, from the root down, and whether each is the one that was put there. */
  readonly #open: { readonly key: PathKey; readonly isOurs: boolean }[] = [];
  /** Right inodes that have further names. */
  readonly #groups = new Set<bigint>();

  constructor(inputs: AppliedInputs) {
    this.#inputs = inputs;
  }

  /** To be asked for entries in key order, each directory before what is in it. `stat` is what stands there. */
  isRight(number: number, entry: Entry, stat: Looked | undefined): boolean {
    const { key, type } = entry;
    while (this.#open.length > 0 && !isWithin(key, (this.#open.at(-1) as { readonly key: PathKey }).key)) this.#open.pop();
    const isInOurs = this.#open.at(-1)?.isOurs ?? true;
    if (entry.type === 'directory') {
      const isOurs = isInOurs && stat?.isDirectory() === true && stat.ino === this.#inputs.inodeOf(number);
      this.#open.push({ key, isOurs });
      // A name that has come, gone or been exchanged in it is none of those that were put there.
      return isOurs && stat.ctimeNs < this.#inputs.inForceNs;
    }
    if (!isInOurs || stat === undefined || !this.#isOther(number, entry, stat)) return false;
    if (type === 'file' && this.#inputs.hardlinks.namesOf(key).length > 0) this.#groups.add(stat.ino);
    return true;
  }

  #isOther(number: number, entry: Exclude<Entry, { readonly type: 'directory' }>, stat: Looked): boolean {
    const { inForceNs, inodeOf } = this.#inputs;
    if (entry.type === 'hardlink') return stat.isFile() && this.#groups.has(stat.ino);
    if (!isOfType(stat, entry.type)) return false;
    // To be given a name, and to be renamed, moves it as well.
    if (stat.ctimeNs < inForceNs) return true;
    // It may have lost or got names since that nobody else gave it, and is else as it was, as far as can be told.
    return stat.ino === inodeOf(number) && (stat.mtimeNs < inForceNs || hasMtime(stat, entry)) && isOfEntry(stat, entry);
  }
}
