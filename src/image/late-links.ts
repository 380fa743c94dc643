/**
 * New files that may be the old ones after all. Small files are named by the bundle that they are in: when another file of it changes, all of them get new
 * names. Their bytes tell, when they arrive; giving an old file a second name costs a tenth of what making a new one does.
 */
import type { Entry, FileEntry } from '../manifest/entry.ts';
import { hasWholeChunks } from './file-places.ts';
import type { Looked } from './inode-rows.ts';
import type { KnownInode } from './inode-workers.ts';
import { pathBelow } from './key-path.ts';
import type { OldName, OldTree } from './old-tree.ts';
import type { FilePlace, PlaceTable } from './place-table.ts';
import { Standing } from './standing.ts';

interface Namesake {
  /** Of the new manifest. */
  readonly entryNumber: number;
  readonly oldNumber: number;
}

export interface LateLinkInputs {
  readonly old: OldTree | undefined;
  readonly stage: Buffer;
  /** By the old entry's number: its Standing in the stage, where it may have its name already. */
  readonly standing: Uint8Array;
  readonly table: PlaceTable;
  /** By the new entry's number; set to that of the old one whose inode it shares. */
  readonly origins: number[];
}

/** Whether an old file of the same name and length could hold the bytes of `entry`, which come in one piece. Whole chunks with different names are different. */
export function isNamesake(was: Entry | undefined, entry: FileEntry): boolean {
  if (was?.type !== 'file' || was.sizeBytes !== entry.sizeBytes || entry.holes !== undefined || !('pieces' in entry.content) || entry.content.pieces.length !== 1) return false;
  return !hasWholeChunks(was) || !hasWholeChunks(entry);
}

/** In the place of a new entry's number: the file is not, or not any more, expected to be an old one; or it is one. */
const COMPARED = -1;
const LINKED = -2;

export class LateLinks {
  readonly #inputs: LateLinkInputs;
  /** Numbers of the entries, new and old, by the number of the new file: there may be millions. */
  readonly #entryNumbers: number[] = [];
  readonly #oldNumbers: number[] = [];

  constructor(inputs: LateLinkInputs) {
    this.#inputs = inputs;
  }

  expect(file: number, { entryNumber, oldNumber }: Namesake): void {
    // Without gaps, which would make a slow array of it.
    while (this.#entryNumbers.length < file) this.#entryNumbers.push(COMPARED);
    while (this.#oldNumbers.length < file) this.#oldNumbers.push(COMPARED);
    this.#entryNumbers[file] = entryNumber;
    this.#oldNumbers[file] = oldNumber;
  }

  /** The old tree has a file of its name and length, which has not been compared yet. */
  isExpected(file: number): boolean {
    return (this.#entryNumbers[file] ?? COMPARED) >= 0;
  }

  /** True if the file at this place is the old one, which holds the chunk's bytes: nothing may be written to it. It has but this place. */
  link({ file, chunkOffsetBytes, lengthBytes }: FilePlace, chunk: Uint8Array): boolean {
    if (this.isExpected(file)) {
      const { old, stage } = this.#inputs;
      const name = this.#oldName(file);
      const [bytes, path] = [chunk.subarray(chunkOffsetBytes, chunkOffsetBytes + lengthBytes), pathBelow(stage, name.key)];
      this.#settle(file, (this.#isInPlace(name) ? old?.isEqualInPlace(name, bytes, path) : old?.linkIfEqual(name, bytes, path)) === true);
    }
    return this.isLinked(file);
  }

  /** It has been compared, and is the old one. */
  isLinked(file: number): boolean {
    return this.#entryNumbers[file] === LINKED;
  }

  /** The old file that an expected one can be linked to on a thread, if it holds its bytes; undefined if link() is needed for it. */
  linkable(file: number): KnownInode | undefined {
    const { old, stage } = this.#inputs;
    const name = this.#oldName(file);
    return old?.linkable(name, this.#isInPlace(name) ? stage : old.path);
  }

  /** What has come of linkable(): the old inode, or a new one. */
  noteMade(file: number, old: KnownInode, made: Looked): void {
    const isSame = made.ino === old.ino;
    if (isSame) this.#inputs.old?.noteLinked(this.#oldNumbers[file] as number, made);
    else if (this.#isInPlace(this.#oldName(file))) this.#inputs.old?.lostName(this.#oldName(file));
    this.#settle(file, isSame);
  }

  #isInPlace({ index }: OldName): boolean {
    return this.#inputs.standing[index] === Standing.namesake;
  }

  #oldName(file: number): OldName {
    return { key: this.#inputs.table.fileKey(file), index: this.#oldNumbers[file] as number };
  }

  #settle(file: number, isSame: boolean): void {
    if (isSame) this.#inputs.origins[this.#entryNumbers[file] as number] = this.#oldNumbers[file] as number;
    this.#entryNumbers[file] = isSame ? LINKED : COMPARED;
  }
}
