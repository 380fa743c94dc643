/** Begins a stage: its directories, the old files that stay, and the table of what must be written. No symlink is made yet, but such as stand there. */
import { chmodSync, closeSync, ftruncateSync, openSync, renameSync, truncateSync, unlinkSync } from 'node:fs';
import { ahead } from '../base/ahead.ts';
import { INODE_JOBS_AHEAD, UNCACHED_WRITE_BYTES_MIN } from '../base/limits/trees.ts';
import { contentName } from '../manifest/content-name.ts';
import type { FileEntry } from '../manifest/entry.ts';
import type { Leaf } from '../manifest/leaf.ts';
import type { Manifest } from '../manifest/read.ts';
import { CREATE_FLAGS, CREATE_MODE } from './create-file.ts';
import { eachPlace } from './file-places.ts';
import type { InodeWorkers } from './inode-workers.ts';
import { lstatIfThere, pathBelow } from './key-path.ts';
import { isNamesake, LateLinks } from './late-links.ts';
import type { LinkWanted, OldName, OldTree } from './old-tree.ts';
import type { Pace } from './pace.ts';
import { PlaceTable } from './place-table.ts';
import { isPrivateBelow } from './seal-directory.ts';
import { Standing } from './standing.ts';
import { StagedFiles } from './staged-files.ts';
import { StageDirectories } from './stage-directories.ts';
import { NO_ENTRY, type Survey } from './stage-survey.ts';
import { stepsOf } from './steps.ts';

/** What became of an entry of the new manifest; otherwise the number of the old entry whose inode it shares. */
export const ORIGIN_NEW = -1;
export const ORIGIN_OTHER = -2;

export interface StagePlan {
  readonly stage: Buffer;
  readonly table: PlaceTable;
  readonly files: StagedFiles;
  readonly lateLinks: LateLinks;
  /** By the entry's number in the new manifest: ORIGIN_NEW, ORIGIN_OTHER, or the number of an old entry. Late links change it. */
  readonly origins: readonly number[];
  /** By the same: what of the old tree stands there, as its Standing. */
  readonly standing: number[];
  readonly survey: Survey;
  /** By the number of a directory: its inode. Set when the stage is finished. */
  readonly directoryInodes: Map<number, bigint>;
  /** New files that an earlier process may have shared with the old tree: somebody may have written to them. */
  readonly doubtful: ReadonlySet<number>;
  /** Numbers of the new files that an earlier process began. */
  readonly takenOver: ReadonlySet<number>;
  /** Disk bytes that the new files will take, in whole blocks, less what they hold already; less if some turn out to be old ones. */
  readonly roomBytes: number;
}

export interface StageInputs {
  readonly after: Manifest;
  readonly old: OldTree | undefined;
  readonly survey: Survey;
  /** Not there yet, unless it is made of the spare. */
  readonly stage: Buffer;
  /** By the number of an old entry: its Standing in the stage that is made of the spare; empty for one that is made anew. */
  readonly standing: Uint8Array;
  /** Earlier stages of the same root, which a process left when it died: their new files are taken over. */
  readonly earlier: readonly Buffer[];
  readonly blockBytes: number;
  readonly workers: InodeWorkers;
}

/** A file of the new manifest that does not stand in the stage, and the old one whose content it has. */
interface Step {
  readonly entry: FileEntry;
  readonly number: number;
  readonly source: OldName | undefined;
}

export class StageBuilder {
  readonly #inputs: StageInputs;
  readonly #table = new PlaceTable();
  readonly #files: StagedFiles;
  readonly #lateLinks: LateLinks;
  readonly #origins: number[] = [];
  readonly #standing: number[] = [];
  readonly #directories: StageDirectories;
  readonly #takenOver = new Set<number>();
  readonly #doubtful = new Set<number>();
  #roomBytes = 0;

  constructor(inputs: StageInputs) {
    this.#inputs = inputs;
    this.#files = new StagedFiles(inputs.stage, this.#table);
    this.#lateLinks = new LateLinks({ old: inputs.old, stage: inputs.stage, standing: inputs.standing, table: this.#table, origins: this.#origins });
    this.#directories = new StageDirectories(inputs.stage, this.#standing);
  }

  async build(pace: Pace): Promise<StagePlan> {
    const { after, stage, survey } = this.#inputs;
    for await (const { item: steps, result: linked } of ahead(stepsOf(after, pace, (leaf, at, number) => this.#step(leaf, at, number)), INODE_JOBS_AHEAD, (steps) => this.#link(steps))) {
      for (const [at, step] of steps.entries()) {
        if (pace.due) await pace.turn();
        this.#origins[step.number] = step.source !== undefined && linked[at] === true ? step.source.index : await this.#file(step, pace);
      }
    }
    const [table, files, lateLinks, origins, standing, takenOver] = [this.#table, this.#files, this.#lateLinks, this.#origins, this.#standing, this.#takenOver];
    return { stage, table, files, lateLinks, origins, standing, survey, directoryInodes: new Map(), doubtful: this.#doubtful, takenOver, roomBytes: Math.max(0, this.#roomBytes) };
  }

  /** Makes a directory, and says which old file a new one could be. What stands already is no step. */
  #step(leaf: Leaf, at: number, number: number): Step | undefined {
    const { stage, standing, survey, old } = this.#inputs;
    const [key, type] = [leaf.keys.at(at), leaf.typeAt(at)];
    const same = survey.same[number] ?? NO_ENTRY;
    const stands = standing[same] ?? Standing.gone;
    this.#directories.take(key, type, number, stands);
    if (type !== 'file' || stands === Standing.intact) {
      this.#origins.push(type === 'file' ? same : ORIGIN_OTHER);
      return undefined;
    }
    this.#origins.push(ORIGIN_NEW);
    const entry = leaf.entryAt(at) as FileEntry;
    const source = this.#sameFile(entry, number);
    const namesake = survey.namesakes[number] ?? NO_ENTRY;
    // What comes to stand there has just these bytes.
    if (source !== undefined && standing[namesake] === Standing.namesake) old?.removeInPlace({ key, index: namesake }, pathBelow(stage, key));
    return { entry, number, source };
  }

  /** By the step: whether it was linked. */
  async #link(steps: readonly Step[]): Promise<readonly boolean[]> {
    const { old, stage, workers } = this.#inputs;
    const isLinked = steps.map(() => false);
    const wanted: LinkWanted[] = [];
    const places: number[] = [];
    for (const [at, { entry, source }] of steps.entries()) {
      if (source === undefined) continue;
      wanted.push({ old: source, entry });
      places.push(at);
    }
    const linked = (await old?.linkKnown(wanted, stage, workers)) ?? [];
    for (const [each, at] of places.entries()) isLinked[at] = linked[each] === true;
    return isLinked;
  }

  /** The old file whose content this one has: of the same name, or one that left its own. */
  #sameFile(entry: FileEntry, index: number): OldName | undefined {
    if (entry.sizeBytes === 0) return undefined;
    const { same, leaving } = this.#inputs.survey;
    const stays = same[index] ?? NO_ENTRY;
    if (stays !== NO_ENTRY) return { key: entry.key, index: stays };
    const content = contentName(entry);
    const moved = leaving.get(content);
    // Two new files must not share the inode of one old one.
    if (moved !== undefined) leaving.delete(content);
    return moved;
  }

  /** Answers what the entry's origin is. */
  async #file({ entry, number: entryNumber, source }: Step, pace: Pace): Promise<number> {
    const { after, old, stage, blockBytes, survey } = this.#inputs;
    const path = pathBelow(stage, entry.key);
    if (old !== undefined && source !== undefined && (await old.link(source, entry, after, path, pace))) return source.index;
    const same = survey.same[entryNumber] ?? NO_ENTRY;
    // One that has the content by the manifests, and does not look as it did, may have its bytes all the same.
    const oldNumber = same !== NO_ENTRY && isNamesake(entry, entry) ? same : (survey.namesakes[entryNumber] ?? NO_ENTRY);
    const file = this.#table.addFile(entry.key, isSmall(entry));
    this.#roomBytes += Math.ceil(entry.sizeBytes / blockBytes) * blockBytes;
    if (this.#takeOver(entry, path)) {
      this.#takenOver.add(file);
      if (same !== NO_ENTRY) this.#doubtful.add(file);
      this.#files.markCreated(file);
    } else if (entry.sizeBytes === 0 || entry.holes !== undefined) {
      this.#createNow(entry, file, path);
    } else if (oldNumber !== NO_ENTRY) {
      this.#lateLinks.expect(file, { entryNumber, oldNumber });
    }
    await eachPlace(after, entry, pace, (place) => this.#table.addPlace(file, place));
    return ORIGIN_NEW;
  }

  /** Files that no chunk would bring into being, or not to their full length. */
  #createNow(entry: FileEntry, file: number, path: Buffer): void {
    const fd = openSync(path, CREATE_FLAGS, CREATE_MODE);
    try {
      if (entry.sizeBytes > 0) ftruncateSync(fd, entry.sizeBytes);
    } finally {
      closeSync(fd);
    }
    this.#files.markCreated(file);
  }

  /** A file with names that are not its own further ones may be one of the old tree's, in which nothing may be written. */
  #takeOver(entry: FileEntry, path: Buffer): boolean {
    for (const earlier of this.#inputs.earlier) {
      const from = pathBelow(earlier, entry.key);
      // Where a directory has its final mode already somebody else may have put a file in the place of this one.
      if (!isPrivateBelow(earlier, entry.key)) continue;
      this.#removeHardlinks(entry, from);
      const stat = lstatIfThere(from);
      if (stat?.isFile() !== true || stat.nlink !== 1n || stat.size > BigInt(entry.sizeBytes)) continue;
      inWritable(from, () => renameSync(from, path));
      // A process that died while it finished its stage may have set the final mode.
      chmodSync(path, 0o600);
      if (entry.holes !== undefined) truncateSync(path, entry.sizeBytes);
      this.#roomBytes -= Number(stat.blocks) * 512;
      return true;
    }
    return false;
  }

  /** A process that died while it finished its stage may have made the file's further names. */
  #removeHardlinks(entry: FileEntry, from: Buffer): void {
    for (const key of this.#inputs.survey.hardlinks.namesOf(entry.key)) {
      const ino = lstatIfThere(from)?.ino;
      for (const earlier of this.#inputs.earlier) {
        const name = pathBelow(earlier, key);
        if (ino !== undefined && lstatIfThere(name)?.ino === ino) inWritable(name, () => unlinkSync(name));
      }
    }
  }
}

function isSmall({ content, holes, sizeBytes }: FileEntry): boolean {
  return 'pieces' in content && content.pieces.length === 1 && holes === undefined && sizeBytes < UNCACHED_WRITE_BYTES_MIN;
}

/** Renames or removes a name, also in a directory that has its final mode already and lets nobody but root do so. */
function inWritable(name: Buffer, change: () => void): void {
  try {
    change();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EACCES') throw error;
    chmodSync(name.subarray(0, name.lastIndexOf('/')), 0o700);
    change();
  }
}
