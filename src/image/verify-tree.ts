/** A deep comparison of a directory with a manifest, which believes neither the stat cache nor the switch that made it. */
import { throwIfAborted } from '../base/errors.ts';
import { LISTED_PATHS_MAX, WALKED_TOGETHER } from '../base/limits/trees.ts';
import type { Entry, PathKey } from '../manifest/entry.ts';
import { displayPath, isWithin } from '../manifest/key.ts';
import type { Manifest } from '../manifest/read.ts';
import { ContentCheck } from './content-check.ts';
import { metadataOf, setsOwners } from './inode-metadata.ts';
import { joinByKey, runsOf } from './join-by-key.ts';
import { Pace } from './pace.ts';
import { splitDeviceNumber } from './posix.ts';
import { treeRoot, walkTree, type Walked } from './walk.ts';

export type DifferenceKind = 'missing' | 'extra' | 'type' | 'mode' | 'owner' | 'mtime' | 'size' | 'content' | 'target' | 'hardlink' | 'device';

export interface Difference {
  /** Below the tree, for people; `.` is the tree's own directory. */
  readonly path: string;
  readonly kind: DifferenceKind;
  /** What is there and what should be. */
  readonly message: string;
}

export interface Verification {
  /** The first LISTED_PATHS_MAX of the `differenceCount`, in key order but for shared chunks. None: the tree is the layer. */
  readonly differences: readonly Difference[];
  readonly differenceCount: number;
  readonly entryCount: number;
  /** File bytes that were read and hashed. */
  readonly checkedBytes: number;
}

export interface VerifyOptions {
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: { readonly entries: number; readonly checkedBytes: number }) => void;
}

/**
 * Names, types, modes, modification times, link targets, hard links and contents; owners too when run by root. What is below a
 * directory that is missing or too many is not listed again. Throws BC_TREE_UNREADABLE and BC_TREE_CHANGED.
 */
export async function verifyTree(dir: string, manifest: Manifest, options: VerifyOptions = {}): Promise<Verification> {
  throwIfAborted(options.signal);
  return new TreeComparison(manifest, options).run(treeRoot(dir));
}

class TreeComparison {
  readonly #manifest: Manifest;
  readonly #options: VerifyOptions;
  readonly #differences: Difference[] = [];
  readonly #content: ContentCheck;
  /** Inodes with several names, by their first. */
  readonly #firstNames = new Map<bigint, string>();
  #differenceCount = 0;
  #entryCount = 0;
  /** What is below it has been told. */
  #told: PathKey | undefined;

  constructor(manifest: Manifest, options: VerifyOptions) {
    this.#manifest = manifest;
    this.#options = options;
    this.#content = new ContentCheck(manifest, (key, message) => this.#note(key, 'content', message));
  }

  async run(root: Buffer): Promise<Verification> {
    const pace = new Pace(this.#options.signal);
    for await (const joined of joinByKey(runsOf(walkTree(root), WALKED_TOGETHER), this.#manifest.runs())) {
      for (const { left: there, right: wanted } of joined) {
        if (pace.due) {
          this.#options.onProgress?.({ entries: this.#entryCount, checkedBytes: this.#content.checkedBytes });
          await pace.turn();
        }
        if (wanted !== undefined) this.#entryCount += 1;
        const isSound = this.#compare(there, wanted);
        if (wanted?.type !== 'file') continue;
        if (isSound && there !== undefined) await this.#content.check(wanted, there.path, pace);
        else await this.#content.pass(wanted, pace);
      }
    }
    this.#content.finish();
    return { differences: this.#differences, differenceCount: this.#differenceCount, entryCount: this.#entryCount, checkedBytes: this.#content.checkedBytes };
  }

  /** False if there is nothing whose content could be compared. */
  #compare(there: Walked | undefined, wanted: Entry | undefined): boolean {
    if (wanted === undefined || there === undefined) {
      const key = wanted?.key ?? there?.key;
      if (key === undefined || (this.#told !== undefined && isWithin(key, this.#told))) return false;
      this.#told = key;
      if (wanted === undefined) this.#note(key, 'extra', 'it is not in the layer');
      else this.#note(key, 'missing', `the layer has a ${wanted.type} here`);
      return false;
    }
    const type = typeOf(there);
    if (type !== (wanted.type === 'hardlink' ? 'file' : wanted.type)) {
      this.#told = wanted.key;
      this.#note(wanted.key, 'type', `a ${type} is there, and a ${wanted.type} in the layer`);
      return false;
    }
    this.#compareNames(there, wanted);
    if (wanted.type === 'hardlink') return false;
    this.#compareMetadata(there, wanted);
    return this.#compareOwn(there, wanted);
  }

  /** Which names lead to one inode. */
  #compareNames({ key, stat }: Walked, wanted: Entry): void {
    if (wanted.type !== 'file' && wanted.type !== 'hardlink') return;
    const name = Buffer.from(key).toString('latin1');
    const firstName = stat.nlink > 1n ? this.#firstNames.get(stat.ino) : undefined;
    if (firstName === undefined && stat.nlink > 1n) this.#firstNames.set(stat.ino, name);
    const target = wanted.type === 'hardlink' ? Buffer.from(wanted.target).toString('latin1') : undefined;
    if (firstName === target) return;
    const what = (first: string | undefined): string => (first === undefined ? 'a file of its own' : `a further name of ${displayPath(Buffer.from(first, 'latin1'))}`);
    this.#note(key, 'hardlink', `it is ${what(firstName)}, and ${what(target)} in the layer`);
  }

  #compareMetadata({ key, stat }: Walked, wanted: Exclude<Entry, { type: 'hardlink' }>): void {
    const { mode, uid, gid, mtimeSeconds, mtimeNanos } = metadataOf(stat);
    if (wanted.type !== 'symlink' && mode !== wanted.mode) this.#note(key, 'mode', `its mode is ${mode.toString(8)}, and ${wanted.mode.toString(8)} in the layer`);
    if (mtimeSeconds !== wanted.mtimeSeconds || mtimeNanos !== wanted.mtimeNanos) {
      this.#note(key, 'mtime', `it was modified at ${time(mtimeSeconds, mtimeNanos)}, and at ${time(wanted.mtimeSeconds, wanted.mtimeNanos)} in the layer`);
    }
    if (setsOwners() && (uid !== wanted.uid || gid !== wanted.gid)) this.#note(key, 'owner', `it belongs to ${uid}:${gid}, and to ${wanted.uid}:${wanted.gid} in the layer`);
  }

  /** What only this type has. False if the file's content need not be looked at. */
  #compareOwn({ key, stat, target }: Walked, wanted: Entry): boolean {
    if (wanted.type === 'file' && stat.size !== BigInt(wanted.sizeBytes)) {
      this.#note(key, 'size', `it has ${stat.size} bytes, and ${wanted.sizeBytes} in the layer`);
      return false;
    }
    if (wanted.type === 'symlink' && target !== undefined) {
      if (!target.equals(wanted.target)) this.#note(key, 'target', `it leads to ${target.toString()}, and to ${Buffer.from(wanted.target).toString()} in the layer`);
    }
    if (wanted.type === 'char-device' || wanted.type === 'block-device') {
      const { major, minor } = splitDeviceNumber(stat.rdev);
      if (major !== wanted.major || minor !== wanted.minor) this.#note(key, 'device', `it is device ${major}:${minor}, and ${wanted.major}:${wanted.minor} in the layer`);
    }
    return true;
  }

  #note(key: PathKey, kind: DifferenceKind, message: string): void {
    this.#differenceCount += 1;
    if (this.#differences.length < LISTED_PATHS_MAX) this.#differences.push({ path: displayPath(key), kind, message });
  }
}

function typeOf({ stat }: Walked): Entry['type'] | 'socket' {
  if (stat.isFile()) return 'file';
  if (stat.isDirectory()) return 'directory';
  if (stat.isSymbolicLink()) return 'symlink';
  if (stat.isFIFO()) return 'fifo';
  if (stat.isCharacterDevice()) return 'char-device';
  return stat.isBlockDevice() ? 'block-device' : 'socket';
}

function time(seconds: number, nanos: number): string {
  return `${seconds}.${String(nanos).padStart(9, '0')}`;
}
