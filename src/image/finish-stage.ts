/** The last touches to a stage whose files are complete: links, device nodes, metadata. Directories come last, each after what is in it. */
import { closeSync, fsyncSync, linkSync, openSync, symlinkSync, unlinkSync, writeSync, type BigIntStats } from 'node:fs';
import { BranchcastError } from '../base/errors.ts';
import type { DirectoryEntry, Entry, FileEntry, HardlinkEntry, PathKey } from '../manifest/entry.ts';
import { compareKeys, displayPath, isWithin, keyProblem } from '../manifest/key.ts';
import type { Manifest } from '../manifest/read.ts';
import { Fate } from './fate.ts';
import { textOf } from './hardlink-groups.ts';
import { hasMetadata, setMetadata, type InodeStamp } from './inode-metadata.ts';
import { isPlainBelow, lstatIfThere, pathBelow } from './key-path.ts';
import { formatFix } from './late-fixes.ts';
import type { OldTree } from './old-tree.ts';
import { OrderedLooks } from './ordered-looks.ts';
import type { Pace } from './pace.ts';
import { makeDevice, makeFifo } from './posix.ts';
import { sealDirectory } from './seal-directory.ts';
import { Standing } from './standing.ts';
import { ORIGIN_NEW } from './stage-builder.ts';
import type { Survey } from './stage-survey.ts';

export interface FinishInputs {
  readonly after: Manifest;
  readonly old: OldTree | undefined;
  readonly stage: Buffer;
  readonly origins: readonly number[];
  /** Set to altered where the old tree has the inode as well, with other metadata. */
  readonly standing: number[];
  readonly survey: Pick<Survey, 'same' | 'fates' | 'hardlinks'>;
  /** By the number of a directory: its inode. */
  readonly directoryInodes: Map<number, bigint>;
  /** Where to write what is left to do after the switch. */
  readonly fixesPath: string;
}

/**
 * May be called again after it failed. Throws BC_TARGET_BUSY if a file that the stage shares with the old tree was changed
 * since: the next stage() sees it as it is.
 */
export async function finishStage(inputs: FinishInputs, pace: Pace): Promise<void> {
  const fixes = openSync(inputs.fixesPath, 'w', 0o600);
  try {
    const finisher = new StageFinisher(inputs, (line) => writeSync(fixes, line));
    await finisher.run(pace);
    fsyncSync(fixes);
  } finally {
    closeSync(fixes);
  }
}

class StageFinisher {
  readonly #inputs: FinishInputs;
  readonly #fixLater: (line: string) => void;
  /** The directories that the current entry is in, from the root down. */
  readonly #open: DirectoryEntry[] = [];
  /** By the first name, as latin1 text, of a file with several that the old tree has as well: its number there. */
  readonly #firsts = new Map<string, number>();

  constructor(inputs: FinishInputs, fixLater: (line: string) => void) {
    this.#inputs = inputs;
    this.#fixLater = fixLater;
  }

  async run(pace: Pace): Promise<void> {
    const looks = new OrderedLooks(this.#inputs.stage);
    try {
      let number = -1;
      for await (const { leaf, from, to } of this.#inputs.after.leaves()) {
        for (let at = from; at < to; at += 1) {
          if (pace.due) await pace.turn();
          number += 1;
          const [key, type] = [leaf.keys.at(at), leaf.typeAt(at)];
          this.#leaveUntil(key);
          if (type === 'directory') this.#inputs.directoryInodes.set(number, looks.at(key)?.ino ?? 0n);
          if (type === 'file' && (this.#inputs.origins[number] ?? ORIGIN_NEW) >= 0) this.#shared(number, key, looks.at(key), () => leaf.entryAt(at) as FileEntry);
          // A directory that nothing has come into or gone from, a link: as they stood in the old tree.
          else if (this.#inputs.standing[number] !== Standing.intact) this.#finish(leaf.entryAt(at));
        }
      }
      this.#leaveUntil(undefined);
    } finally {
      looks.close();
    }
  }

  #finish(entry: Entry): void {
    const path = pathBelow(this.#inputs.stage, entry.key);
    switch (entry.type) {
      case 'directory':
        // Again writable, if an earlier attempt got as far as its mode.
        sealDirectory(path);
        this.#open.push(entry);
        break;
      case 'file':
        setMetadata(path, entry);
        break;
      case 'symlink':
        makeAnew(path, () => symlinkSync(entry.target as Buffer, path));
        setMetadata(path, entry, true);
        break;
      case 'hardlink':
        this.#hardlink(entry, path);
        break;
      case 'fifo':
        makeAnew(path, () => makeFifo(path));
        setMetadata(path, entry);
        break;
      case 'char-device':
      case 'block-device':
        makeAnew(path, () => makeDevice(path, entry.type, entry.major, entry.minor));
        setMetadata(path, entry);
        break;
    }
  }

  /** An inode that the old tree shows as well keeps the old metadata until the switch. */
  #shared(number: number, key: PathKey, stat: InodeStamp | undefined, entryOf: () => FileEntry): void {
    const { origins, standing, survey, old } = this.#inputs;
    if (survey.hardlinks.namesOf(key).length > 0) this.#firsts.set(textOf(key), origins[number] as number);
    if (stat === undefined || old?.isUnchanged(origins[number] as number, stat) !== true) {
      throw new BranchcastError('BC_TARGET_BUSY', `${displayPath(key)} was changed in the target while its update was prepared`, { details: { path: displayPath(key) } });
    }
    // It is as it was when the old entry was applied, which says the same.
    if (standing[number] === Standing.intact && survey.fates[survey.same[number] as number] === Fate.stays) return;
    const entry = entryOf();
    if (hasMetadata(stat, entry)) return;
    standing[number] = Standing.altered;
    this.#fixLater(formatFix(key, stat.ino, entry));
  }

  #hardlink({ key, target }: HardlinkEntry, path: Buffer): void {
    const { stage } = this.#inputs;
    const first = pathBelow(stage, target);
    const isInside = keyProblem(target) === undefined && target.byteLength > 0 && compareKeys(target, key) < 0 && isPlainBelow(stage, target);
    const stat = isInside ? lstatIfThere(first) : undefined;
    if (stat?.isFile() !== true) {
      throw new BranchcastError('BC_MANIFEST_UNSAFE', `the hardlink ${displayPath(key)} leads to ${displayPath(target)}, which is no file of the tree`);
    }
    if (lstatIfThere(path)?.ino === stat.ino) return;
    makeAnew(path, () => linkSync(first, path));
    const shared = this.#firsts.get(textOf(target));
    if (shared !== undefined) this.#inputs.old?.renew(shared, lstatIfThere(path) as BigIntStats);
  }

  #leaveUntil(key: PathKey | undefined): void {
    for (let directory = this.#open.at(-1); directory !== undefined; directory = this.#open.at(-1)) {
      if (key !== undefined && isWithin(key, directory.key)) return;
      this.#open.pop();
      this.#leave(directory);
    }
  }

  #leave(directory: DirectoryEntry): void {
    const path = pathBelow(this.#inputs.stage, directory.key);
    if (directory.key.byteLength > 0) {
      setMetadata(path, directory);
      return;
    }
    // A directory that its user may not write to cannot be moved by them either: the root's mode waits until it has been.
    setMetadata(path, { ...directory, mode: directory.mode | 0o700 });
    const stat = lstatIfThere(path) as BigIntStats;
    if (!hasMetadata(stat, directory)) this.#fixLater(formatFix(directory.key, stat.ino, directory));
  }
}

/** What an earlier attempt has left under the name makes way. */
function makeAnew(path: Buffer, make: () => void): void {
  try {
    make();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    unlinkSync(path);
    make();
  }
}
