/**
 * Takes out of a tree of branchcast's own what is not to stay in it: the names of the manifest that it was made of which another one does not have, or not
 * so, and whatever else has come into it. What stands then is a part of the other one's tree.
 */
import { readdirSync, rmdirSync } from 'node:fs';
import { INODE_JOBS_AHEAD, UNLINKS_TOGETHER } from '../base/limits/trees.ts';
import type { Entry, PathKey } from '../manifest/entry.ts';
import { isWithin, nameOfKey, SLASH } from '../manifest/key.ts';
import type { Manifest } from '../manifest/read.ts';
import { Fate } from './fate.ts';
import type { InodeStamp } from './inode-metadata.ts';
import type { InodeWorkers } from './inode-workers.ts';
import { pathBelow } from './key-path.ts';
import { OrderedLooks } from './ordered-looks.ts';
import type { Pace } from './pace.ts';
import { removeTree } from './remove-tree.ts';
import { isPrivate, sealDirectory } from './seal-directory.ts';
import { Standing } from './standing.ts';

export interface PrunedName {
  /** Among the entries of the manifest. */
  readonly number: number;
  readonly key: PathKey;
  readonly type: Entry['type'];
  /** Made anew each time. */
  entry(): Entry;
  /** Nothing has come, gone or been exchanged in its directory since that was noted. */
  readonly isInNoted: boolean;
}

export interface PruneRules {
  /** A Fate. `look` says what stands under the name; its answer is another name's after the next look. */
  fateOf(name: PrunedName, look: () => InodeStamp | undefined): number;
  /** Of a directory: whether it is as it was noted, and so has just the names that it had then. */
  isNoted(number: number, stat: InodeStamp): boolean;
}

/** Answers, by the entry's number, its Standing. The tree's root is a directory. Throws what the file system throws. */
export async function pruneTree(root: Buffer, manifest: Manifest, rules: PruneRules, workers: InodeWorkers, pace: Pace): Promise<Uint8Array> {
  const pruner = new TreePruner(root, rules, workers);
  try {
    let number = 0;
    for await (const { leaf, from, to } of manifest.leaves()) {
      for (let at = from; at < to; at += 1, number += 1) {
        if (pace.due) await pace.turn();
        pruner.take({ number, key: leaf.keys.at(at), type: leaf.typeAt(at), entry: () => leaf.entryAt(at) });
        if (pruner.hasMuchToRemove) await pruner.removeSome();
      }
    }
    return await pruner.finish(pace);
  } finally {
    await pruner.close();
  }
}

interface OpenDirectory {
  readonly key: PathKey;
  readonly number: number;
  /** undefined if it is not there. */
  readonly path: Buffer | undefined;
  /** Where it is not as it was noted: its names, as latin1 text, less those of the manifest that have been met. */
  readonly unknown: Set<string> | undefined;
}

const STANDINGS_AT_FIRST = 4096;
const S_IFMT = 0o170000n;
const S_IFDIR = 0o040000n;

class TreePruner {
  readonly #root: Buffer;
  readonly #rules: PruneRules;
  readonly #workers: InodeWorkers;
  readonly #looks: OrderedLooks;
  readonly #open: OpenDirectory[] = [];
  #standing = new Uint8Array(STANDINGS_AT_FIRST);
  #count = 0;
  /** To be removed: names of what is no directory, and what nobody knows. */
  readonly #names: Buffer[] = [];
  readonly #strangers: Buffer[] = [];
  /** Names that are being removed. */
  readonly #removing: Promise<void>[] = [];
  /** To be removed when all is gone from them, the innermost first. */
  readonly #directories: Buffer[] = [];

  constructor(root: Buffer, rules: PruneRules, workers: InodeWorkers) {
    this.#root = root;
    this.#rules = rules;
    this.#workers = workers;
    this.#looks = new OrderedLooks(root);
  }

  get hasMuchToRemove(): boolean {
    return this.#names.length >= UNLINKS_TOGETHER || this.#strangers.length >= UNLINKS_TOGETHER;
  }

  take({ number, key, type, entry }: Omit<PrunedName, 'isInNoted'>): void {
    this.#leaveUntil(key);
    const within = this.#open.at(-1);
    within?.unknown?.delete(Buffer.from(nameOfKey(key)).toString('latin1'));
    const name = { number, key, type, entry, isInNoted: within?.unknown === undefined };
    if (within !== undefined && within.path === undefined) {
      if (type === 'directory') this.#open.push({ key: new Uint8Array(key), number, path: undefined, unknown: undefined });
      this.#note(number, Standing.gone);
    } else if (type === 'directory') this.#directory(name, within);
    else this.#other(name, within);
  }

  /** Begins to. Several times at once: who frees a file's blocks may have to wait for the disk to discard them. */
  async removeSome(): Promise<void> {
    for (const stranger of this.#strangers.splice(0)) await removeTree(stranger, this.#workers);
    if (this.#removing.length === INODE_JOBS_AHEAD) await this.#removing.shift();
    const removing = this.#workers.unlink(this.#names.splice(0));
    removing.catch(() => undefined);
    this.#removing.push(removing);
  }

  async finish(pace: Pace): Promise<Uint8Array> {
    this.#leaveUntil(undefined);
    await this.removeSome();
    await Promise.all(this.#removing);
    for (const directory of this.#directories.reverse()) {
      rmdirSync(directory);
      if (pace.due) await pace.turn();
    }
    return this.#standing.subarray(0, this.#count);
  }

  /** Nothing is being removed any more when it resolves. */
  async close(): Promise<void> {
    this.#looks.close();
    await Promise.allSettled(this.#removing);
  }

  #directory(name: PrunedName, within: OpenDirectory | undefined): void {
    const { number, key } = name;
    const path = pathBelow(this.#root, key);
    const stat = this.#looks.at(key);
    const isThere = stat !== undefined && (stat.mode & S_IFMT) === S_IFDIR;
    const fate = this.#rules.fateOf(name, () => stat);
    const wasPrivate = isThere && isPrivate(stat);
    const isNoted = wasPrivate && this.#rules.isNoted(number, stat);
    // Before anything in it is looked at.
    if (!isThere || (!wasPrivate && sealDirectory(path) === undefined)) {
      if (stat !== undefined) this.#removeName(key, within, true);
      this.#open.push({ key: new Uint8Array(key), number, path: undefined, unknown: undefined });
      this.#note(number, Standing.gone);
      return;
    }
    const isTouched = !isNoted || fate === Fate.altered || within === undefined;
    this.#note(number, fate === Fate.goes ? Standing.gone : isTouched ? Standing.touched : Standing.intact);
    this.#open.push({ key: new Uint8Array(key), number, path, unknown: isNoted ? undefined : new Set(readdirSync(path, 'latin1')) });
    if (fate !== Fate.goes) return;
    if (within !== undefined) this.#touch(within);
    this.#directories.push(path);
  }

  #other(name: PrunedName, within: OpenDirectory): void {
    const fate = this.#rules.fateOf(name, () => this.#looks.at(name.key));
    if (fate === Fate.goes) this.#removeName(name.key, within, !name.isInNoted);
    this.#note(name.number, fate === Fate.goes ? Standing.gone : fate === Fate.namesake ? Standing.namesake : Standing.intact);
  }

  /** `isStranger`: it need not be what the manifest says, and may be a directory. */
  #removeName(key: PathKey, within: OpenDirectory | undefined, isStranger: boolean): void {
    if (within !== undefined) this.#touch(within);
    (isStranger ? this.#strangers : this.#names).push(pathBelow(this.#root, key));
  }

  #touch({ number }: OpenDirectory): void {
    if (this.#standing[number] === Standing.intact) this.#standing[number] = Standing.touched;
  }

  #note(number: number, standing: number): void {
    if (number >= this.#standing.length) {
      const grown = new Uint8Array(this.#standing.length * 2);
      grown.set(this.#standing);
      this.#standing = grown;
    }
    this.#standing[number] = standing;
    this.#count = number + 1;
  }

  #leaveUntil(key: PathKey | undefined): void {
    for (let directory = this.#open.at(-1); directory !== undefined; directory = this.#open.at(-1)) {
      if (key !== undefined && isWithin(key, directory.key)) return;
      this.#open.pop();
      for (const name of directory.unknown ?? []) this.#strangers.push(Buffer.concat([directory.path as Buffer, Buffer.of(SLASH), Buffer.from(name, 'latin1')]));
    }
  }
}
