/** New files whose bytes come in one piece, made on threads: each as the old file that it may be after all, or anew. */
import { SMALL_FILES_TOGETHER } from '../base/limits/trees.ts';
import type { InodeWorkers, KnownInode, SmallFile } from './inode-workers.ts';
import { pathBelow } from './key-path.ts';
import type { LateLinks } from './late-links.ts';
import { Pace } from './pace.ts';
import type { PlaceTable } from './place-table.ts';
import type { StagedFiles } from './staged-files.ts';

export interface WholeFile {
  readonly file: number;
  readonly bytes: Uint8Array;
}

export interface SmallFilesInputs {
  readonly stage: Buffer;
  readonly table: PlaceTable;
  readonly files: StagedFiles;
  readonly lateLinks: LateLinks;
}

export class SmallFiles {
  readonly #inputs: SmallFilesInputs;
  readonly #workers: InodeWorkers;

  constructor(inputs: SmallFilesInputs, workers: InodeWorkers) {
    this.#inputs = inputs;
    this.#workers = workers;
  }

  /** Makes those that it can: neither created nor linked are then those of which more is to be seen first, and those that did not work. */
  async make(files: readonly WholeFile[]): Promise<void> {
    const pace = new Pace(undefined);
    const made: Promise<void>[] = [];
    for (let from = 0; from < files.length; from += SMALL_FILES_TOGETHER) {
      made.push(this.#make(files.slice(from, from + SMALL_FILES_TOGETHER)));
      if (pace.due) await pace.turn();
    }
    await Promise.all(made);
  }

  async #make(files: readonly WholeFile[]): Promise<void> {
    const { stage, table, files: staged, lateLinks } = this.#inputs;
    const wanted: (SmallFile & { readonly file: number })[] = [];
    for (const { file, bytes } of files) {
      const isExpected = lateLinks.isExpected(file);
      const old = isExpected ? lateLinks.linkable(file) : undefined;
      if (isExpected === (old !== undefined)) wanted.push({ file, bytes, old, path: pathBelow(stage, table.fileKey(file)) });
    }
    for (const [at, stat] of (await this.#workers.put(wanted)).entries()) {
      const { file, old } = wanted[at] as { readonly file: number; readonly old: KnownInode | undefined };
      if (stat === undefined) continue;
      if (old !== undefined) lateLinks.noteMade(file, old, stat);
      if (!lateLinks.isLinked(file)) staged.markCreated(file);
    }
  }
}
