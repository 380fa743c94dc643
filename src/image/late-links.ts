/**
 * New files that may be the old ones after all. Small files are named by the bundle that they are in: when another file of it changes, all of them get new
 * names. Their bytes tell, when they arrive; giving an old file a second name costs a tenth of what making a new one does.
 */
import type { Entry, FileEntry } from '../manifest/entry.ts';
import { hasWholeChunks } from './file-places.ts';
import { pathBelow } from './key-path.ts';
import type { OldTree } from './old-tree.ts';
import type { FilePlace, PlaceTable } from './place-table.ts';

interface Namesake {
  /** Of the new manifest. */
  readonly entryNumber: number;
  readonly oldNumber: number;
}

export interface LateLinkInputs {
  readonly old: OldTree | undefined;
  readonly stage: Buffer;
  readonly table: PlaceTable;
  /** By the new entry's number; set to that of the old one whose inode it shares. */
  readonly origins: number[];
}

/** Whether an old file of the same name and length could hold the bytes of `entry`, which come in one piece. Whole chunks with different names are different. */
export function isNamesake(was: Entry | undefined, entry: FileEntry): boolean {
  if (was?.type !== 'file' || was.sizeBytes !== entry.sizeBytes || !('pieces' in entry.content) || entry.content.pieces.length !== 1) return false;
  return !hasWholeChunks(was) || !hasWholeChunks(entry);
}

export class LateLinks {
  readonly #inputs: LateLinkInputs;
  /** By the new file's number, until its bytes have come. */
  readonly #expected = new Map<number, Namesake>();
  readonly #linked = new Set<number>();

  constructor(inputs: LateLinkInputs) {
    this.#inputs = inputs;
  }

  expect(file: number, namesake: Namesake): void {
    this.#expected.set(file, namesake);
  }

  /** The old tree has a file of its name and length, which has not been compared yet. */
  isExpected(file: number): boolean {
    return this.#expected.has(file);
  }

  /** True if the file at this place is the old one, which holds the chunk's bytes: nothing may be written to it. */
  link({ file, chunkOffsetBytes, lengthBytes }: FilePlace, chunk: Uint8Array): boolean {
    if (this.#linked.has(file)) return true;
    const namesake = this.#expected.get(file);
    if (namesake === undefined) return false;
    this.#expected.delete(file);
    const { old, stage, table, origins } = this.#inputs;
    const key = table.fileKey(file);
    const bytes = chunk.subarray(chunkOffsetBytes, chunkOffsetBytes + lengthBytes);
    if (old?.linkIfEqual({ key, index: namesake.oldNumber }, bytes, pathBelow(stage, key)) !== true) return false;
    origins[namesake.entryNumber] = namesake.oldNumber;
    this.#linked.add(file);
    return true;
  }
}
