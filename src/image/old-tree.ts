/**
 * The tree that stands in the target while its successor is staged. Files that stay are given a second name in the stage and
 * cost no room: but only if they are known to hold what the manifest says.
 */
import { unlinkSync, type BigIntStats } from 'node:fs';
import { hash } from '../chunking/hash.ts';
import type { FileEntry, PathKey } from '../manifest/entry.ts';
import type { Manifest } from '../manifest/read.ts';
import { eachPlace, hasWholeChunks } from './file-places.ts';
import { holdsBytes, isLost } from './holds-bytes.ts';
import type { Looked } from './inode-rows.ts';
import type { InodeWorkers, KnownFile, KnownInode } from './inode-workers.ts';
import type { InodeStamp } from './inode-metadata.ts';
import { isPlainBelow, lstatIfThere, pathBelow } from './key-path.ts';
import { linkUnchanged } from './link-unchanged.ts';
import { LinkedFiles } from './linked-files.ts';
import type { Pace } from './pace.ts';
import { openStable, type StableFile } from './read-file.ts';
import { StatCache } from './stat-cache.ts';

/** A name in the old tree, and its number among the entries of the old manifest. */
export interface OldName {
  readonly key: PathKey;
  readonly index: number;
}

/** An old file that is to have a further name in the stage, and the entry that it becomes there. */
export interface LinkWanted {
  readonly old: OldName;
  readonly entry: FileEntry;
}

export class OldTree {
  readonly path: Buffer;
  /** What the tree is believed to be; nothing is taken from it on belief alone. */
  readonly manifest: Manifest;
  /** What is as it was when this manifest was applied, and files that were linked for that. */
  readonly #cache: StatCache;
  /** Files linked for bytes that the new manifest names. Never saved: that they have what the old one says is another matter. */
  readonly #compared: StatCache;
  readonly #linked = new LinkedFiles();
  /** Files whose inodes were known until a name of theirs, not the one in this tree, was removed: by their modification times then. */
  readonly #lessNames = new LinkedFiles();
  /** Files whose name in the stage was removed while it was made. */
  readonly #removed = new Set<number>();

  constructor(path: Buffer, manifest: Manifest, cache: StatCache) {
    this.path = path;
    this.manifest = manifest;
    this.#cache = cache;
    this.#compared = new StatCache(manifest.root);
  }

  /** Links those whose inodes are as they were when their content was known, and answers which of them: link() may do more for the others. */
  async linkKnown(wanted: readonly LinkWanted[], stage: Buffer, workers: InodeWorkers): Promise<boolean[]> {
    const known: KnownFile[] = [];
    const places: number[] = [];
    for (const [at, { old, entry }] of wanted.entries()) {
      this.#settleInode(old, this.#lessNames.take(old.index));
      const noted = this.#cache.at(old.index);
      if (noted === undefined) continue;
      known.push({ key: old.key, newKey: entry.key, sizeBytes: entry.sizeBytes, ino: noted.ino, ctimeNs: noted.ctimeNs });
      places.push(at);
    }
    const isLinked = wanted.map(() => false);
    const linked = await workers.link(this.path, stage, known);
    for (const [each, at] of places.entries()) {
      const stat = linked.at(each);
      if (stat === undefined) continue;
      const { old } = wanted[at] as LinkWanted;
      this.#note(old.index, stat, this.#cache);
      // It may have lost the name that it had in the stage since a thread looked at it.
      if (this.#removed.has(old.index)) this.#settleInode(old, stat.mtimeNs);
      isLinked[at] = true;
    }
    return isLinked;
  }

  /**
   * Makes `stagePath` a further name of the old file, whose content by the manifests is that of `entry`. False if the file is
   * not there, has been changed, or cannot be linked: then its content comes chunk by chunk, each verified.
   */
  async link({ key, index }: OldName, entry: FileEntry, contents: Manifest, stagePath: Buffer, pace: Pace): Promise<boolean> {
    const path = pathBelow(this.path, key);
    const stat = lookAt(path);
    if (stat?.isFile() !== true || stat.size !== BigInt(entry.sizeBytes)) return false;
    if (!this.#cache.matches(index, stat) && !(await this.#isVerified(key, path, stat, entry, contents, pace))) return false;
    return this.#linkTo(stagePath, path, stat, index, this.#cache);
  }

  /**
   * The same for an old file of which no manifest says that it has the new content: it is read, and linked if it holds just these bytes. False for one
   * that another new file shares already, too.
   */
  linkIfEqual({ key, index }: OldName, bytes: Uint8Array, stagePath: Buffer): boolean {
    if (this.#linked.has(index)) return false;
    this.#settleInode({ key, index }, this.#lessNames.take(index));
    const path = pathBelow(this.path, key);
    const stat = lookAt(path);
    if (stat?.isFile() !== true || stat.size !== BigInt(bytes.byteLength)) return false;
    if (!this.#cache.matches(index, stat) && !this.#isOwn(key, stat)) return false;
    return holdsBytes(path, stat, bytes) && this.#linkTo(stagePath, path, stat, index, this.#compared);
  }

  /** linkIfEqual() for an old file that stands in the stage already, under the name at `stagePath`: if it is not the one, it makes way. */
  isEqualInPlace(name: OldName, bytes: Uint8Array, stagePath: Buffer): boolean {
    const stat = lookAt(stagePath);
    if (stat === undefined) return false;
    const isSame = !this.#linked.has(name.index) && stat.isFile() && stat.size === BigInt(bytes.byteLength) && this.#cache.matches(name.index, stat) && holdsBytes(stagePath, stat, bytes);
    if (isSame) this.#note(name.index, stat, this.#compared);
    else this.#removeInPlace(name, stat, stagePath);
    return isSame;
  }

  /** Takes away the name that an old file has in the stage, at `stagePath`, if it is there. */
  removeInPlace(name: OldName, stagePath: Buffer): void {
    const stat = lookAt(stagePath);
    if (stat !== undefined) this.#removeInPlace(name, stat, stagePath);
  }

  /** The file stands in the stage already, as `stat`, and has the content that is wanted there. */
  noteKept(index: number, stat: Pick<Looked, 'ino' | 'ctimeNs' | 'mtimeNs'>): void {
    this.#note(index, stat, this.#cache);
  }

  /** A name of the file that is not in this tree is about to be removed, which moves the change time of the inode: it looked like `stat` before. */
  willLoseName(index: number, stat: Pick<Looked, 'ino' | 'ctimeNs' | 'mtimeNs'>): void {
    if (this.#cache.matches(index, stat)) this.#lessNames.add(index, stat.mtimeNs);
  }

  /** It has been removed: for a file that has been linked under another name, isUnchanged() still holds. */
  lostName(name: OldName): void {
    this.#settleInode(name, this.#linked.mtimeNs(name.index));
  }

  /** What was noted of an entry when this tree was applied. */
  notedAt(index: number): Pick<Looked, 'ino' | 'ctimeNs'> | undefined {
    return this.#cache.at(index);
  }

  /** Notes what a linked file looks like that has got a further name in the stage, if it is else as it was. */
  renew(index: number, stat: Pick<Looked, 'ino' | 'ctimeNs' | 'mtimeNs'>): void {
    if (this.#linked.mtimeNs(index) !== stat.mtimeNs) return;
    for (const cache of [this.#cache, this.#compared]) if (cache.hasInode(index, stat.ino)) cache.set(index, stat);
  }

  /** What is known of the inode, if it was linked; undefined otherwise. */
  linkedRow(index: number): Pick<Looked, 'ino' | 'ctimeNs'> | undefined {
    return this.#linked.has(index) ? (this.#compared.at(index) ?? this.#cache.at(index)) : undefined;
  }

  /** A file, in this tree or in another that shares it, that would be linked for its bytes alone, if its inode is as it is known to be; undefined if more is to be seen first. */
  linkable({ key, index }: OldName, tree: Buffer): KnownInode | undefined {
    this.#settleInode({ key, index }, this.#lessNames.take(index));
    const noted = this.#linked.has(index) ? undefined : this.#cache.at(index);
    return noted === undefined ? undefined : { ...noted, path: pathBelow(tree, key) };
  }

  /** That it has been linked for its bytes, and what it looked like then. */
  noteLinked(index: number, stat: Looked): void {
    this.#note(index, stat, this.#compared);
  }

  /** Whether the inode is still as it was when it was linked (or, after settle(), when that was called). */
  isUnchanged(index: number, stat: Pick<Looked, 'ino' | 'ctimeNs'>): boolean {
    return this.#cache.matches(index, stat) || this.#compared.matches(index, stat);
  }

  /** Notes the change times of the linked files anew: an inode's moves when it gets or loses a name. */
  async settle(pace: Pace): Promise<void> {
    let index = -1;
    for await (const entry of this.manifest.entries()) {
      index += 1;
      if (pace.due) await pace.turn();
      const mtimeNs = this.#linked.mtimeNs(index);
      if (mtimeNs === undefined) continue;
      const stat = lstatIfThere(pathBelow(this.path, entry.key));
      const isSame = stat !== undefined && this.#cache.hasInode(index, stat.ino) && stat.mtimeNs === mtimeNs;
      this.#cache.set(index, isSame ? stat : undefined);
    }
  }

  /** For a later process: it need not read what this one has verified. */
  save(cachePath: string): void {
    this.#cache.save(cachePath);
  }

  #removeInPlace(name: OldName, stat: InodeStamp, stagePath: Buffer): void {
    this.willLoseName(name.index, stat);
    this.#removed.add(name.index);
    unlinkSync(stagePath);
    this.lostName(name);
  }

  /** Notes the change time anew of an inode that has lost a name and is else as it was; nothing without a time. */
  #settleInode({ key, index }: OldName, mtimeNs: bigint | undefined): void {
    if (mtimeNs === undefined) return;
    const stat = lookAt(pathBelow(this.path, key));
    if (stat?.mtimeNs === mtimeNs && this.#cache.hasInode(index, stat.ino)) this.#cache.set(index, stat);
  }

  #linkTo(stagePath: Buffer, path: Buffer, stat: BigIntStats, index: number, noted: StatCache): boolean {
    const linked = linkUnchanged(path, stat, stagePath);
    if (linked !== undefined) this.#note(index, linked, noted);
    return linked !== undefined;
  }

  #note(index: number, linked: Pick<Looked, 'ino' | 'ctimeNs' | 'mtimeNs'>, where: StatCache): void {
    where.set(index, linked);
    this.#linked.add(index, linked.mtimeNs);
  }

  /** A file that nothing is known of has no other name, which could be outside the tree, and does not stand outside itself. */
  #isOwn(key: PathKey, stat: BigIntStats): boolean {
    return stat.nlink === 1n && isPlainBelow(this.path, key);
  }

  /** Reads the whole file. Only one that needs no other file to verify. */
  async #isVerified(key: PathKey, path: Buffer, stat: BigIntStats, entry: FileEntry, contents: Manifest, pace: Pace): Promise<boolean> {
    if (!hasWholeChunks(entry) || entry.holes !== undefined || !this.#isOwn(key, stat)) return false;
    let file: StableFile | undefined;
    try {
      const opened = openStable(path, stat);
      file = opened;
      let isRight = true;
      await eachPlace(contents, entry, pace, ({ digest, lengthBytes }) => {
        if (isRight) isRight = hash(readFully(opened, lengthBytes)) === digest;
      });
      if (isRight) opened.finish();
      return isRight;
    } catch (error) {
      if (isLost(error)) return false;
      throw error;
    } finally {
      file?.close();
    }
  }
}

/** undefined also for a file in a directory that somebody has closed to us: it cannot be linked, and nothing is wrong with the update. */
function lookAt(path: Buffer): BigIntStats | undefined {
  try {
    return lstatIfThere(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EACCES') return undefined;
    throw error;
  }
}

function readFully(file: StableFile, lengthBytes: number): Uint8Array {
  const bytes = new Uint8Array(lengthBytes);
  let done = 0;
  for (let count = 1; count > 0 && done < lengthBytes; done += count) count = file.read(bytes.subarray(done));
  return bytes.subarray(0, done);
}
