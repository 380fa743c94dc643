/** The last touches to a stage whose files are complete: links, device nodes, metadata. Directories come last, each after what is in it. */
import { chmodSync, closeSync, fsyncSync, linkSync, openSync, symlinkSync, unlinkSync, writeSync, type BigIntStats } from 'node:fs';
import { ahead } from '../base/ahead.ts';
import { BranchcastError } from '../base/errors.ts';
import { INODE_JOBS_AHEAD } from '../base/limits/trees.ts';
import type { DirectoryEntry, Entry, FileEntry, HardlinkEntry } from '../manifest/entry.ts';
import { compareKeys, displayPath, isWithin, keyProblem } from '../manifest/key.ts';
import type { Manifest } from '../manifest/read.ts';
import { hasMetadata, setMetadata } from './inode-metadata.ts';
import type { Looked } from './inode-rows.ts';
import type { InodeWorkers } from './inode-workers.ts';
import { isPlainBelow, lstatIfThere, pathBelow } from './key-path.ts';
import { formatFix } from './late-fixes.ts';
import type { OldTree } from './old-tree.ts';
import type { Pace } from './pace.ts';
import { makeDevice, makeFifo } from './posix.ts';
import { ORIGIN_NEW, ORIGIN_OTHER } from './stage-builder.ts';

export interface FinishInputs {
  readonly after: Manifest;
  readonly old: OldTree | undefined;
  readonly stage: Buffer;
  readonly origins: readonly number[];
  /** Where to write what is left to do after the switch. */
  readonly fixesPath: string;
  readonly workers: InodeWorkers;
}

interface Placed {
  readonly entry: Entry;
  readonly origin: number;
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

  constructor(inputs: FinishInputs, fixLater: (line: string) => void) {
    this.#inputs = inputs;
    this.#fixLater = fixLater;
  }

  async run(pace: Pace): Promise<void> {
    for await (const { item: entries, result: looks } of ahead(this.#runs(), INODE_JOBS_AHEAD, (run) => this.#lookAtShared(run))) {
      for (const { entry, origin } of entries) {
        if (pace.due) await pace.turn();
        this.#leaveUntil(entry);
        this.#finish(entry, origin, looks);
      }
    }
    this.#leaveUntil(undefined);
  }

  async *#runs(): AsyncGenerator<readonly Placed[], void, undefined> {
    const { after, origins } = this.#inputs;
    let index = 0;
    for await (const entries of after.runs()) yield entries.map((entry) => ({ entry, origin: origins[index++] ?? ORIGIN_OTHER }));
  }

  /** What the files that the old tree has as well look like, in their order. */
  async #lookAtShared(entries: readonly Placed[]): Promise<Iterator<Looked | undefined, void, undefined>> {
    const { stage, workers } = this.#inputs;
    const shared = entries.filter(({ entry, origin }) => entry.type === 'file' && origin !== ORIGIN_NEW);
    const looks = await workers.look(stage, shared.map(({ entry }) => entry.key));
    return shared.map((_, at) => looks.at(at)).values();
  }

  #finish(entry: Entry, origin: number, shared: Iterator<Looked | undefined, void, undefined>): void {
    const path = pathBelow(this.#inputs.stage, entry.key);
    switch (entry.type) {
      case 'directory':
        // Again writable, if an earlier attempt got as far as its mode.
        chmodSync(path, 0o700);
        this.#open.push(entry);
        break;
      case 'file':
        if (origin === ORIGIN_NEW) setMetadata(path, entry);
        else this.#shared(entry, origin, shared.next().value ?? undefined);
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
  #shared(entry: FileEntry, origin: number, stat: Looked | undefined): void {
    if (stat === undefined || this.#inputs.old?.isUnchanged(origin, stat) !== true) {
      throw new BranchcastError('BC_TARGET_BUSY', `${displayPath(entry.key)} was changed in the target while its update was prepared`, { details: { path: displayPath(entry.key) } });
    }
    if (!hasMetadata(stat, entry)) this.#fixLater(formatFix(entry.key, stat.ino, entry));
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
  }

  #leaveUntil(entry: Entry | undefined): void {
    for (let directory = this.#open.at(-1); directory !== undefined; directory = this.#open.at(-1)) {
      if (entry !== undefined && isWithin(entry.key, directory.key)) return;
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
