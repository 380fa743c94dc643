/** Threads for calls on inodes: most of what an update of many small files takes is the kernel's time, and it has more than one processor. */
import { unlink } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { INODES_DONE_HERE, INODE_WORKERS } from '../base/limits/trees.ts';
import { WorkerPool } from '../base/worker-pool.ts';
import type { PathKey } from '../manifest/entry.ts';
import { KNOWN_WORDS, newPathsOf, rowsOf, unlinkAll, type InodeJob, type PutJob } from './inode-jobs.ts';
import { InodeRows, type Looked } from './inode-rows.ts';
import { lstatIfThere, pathBelow } from './key-path.ts';
import { packKeys, packPaths } from './packed-paths.ts';

/** What is known of a file that has not changed since. */
export interface KnownInode {
  readonly path: Buffer;
  readonly ino: bigint;
  readonly ctimeNs: bigint;
}

/** A file that is to have a further name, and what is known of it. */
export interface KnownFile {
  readonly key: PathKey;
  readonly newKey: PathKey;
  readonly sizeBytes: number;
  readonly ino: bigint;
  readonly ctimeNs: bigint;
}

/** A file that is to be, and the one that it may be. */
export interface SmallFile {
  readonly path: Buffer;
  readonly bytes: Uint8Array;
  readonly old: KnownInode | undefined;
}

const NO_PATH = Buffer.alloc(0);

/** Answers look(): of each key what lstatIfThere() does. */
export interface Looks {
  at(index: number): Looked | undefined;
}

/** Answers link(), in the same way. */
export type Links = Looks;

export class InodeWorkers {
  readonly #pool = new WorkerPool<InodeJob, BigInt64Array>(new URL('./inode-worker', import.meta.url), { workerCount: INODE_WORKERS, shared: undefined, work: 'work on files' });
  readonly #doneHereMax: number;
  #doneHereCount = 0;

  /** Threads are started when so many files have been looked at, made or linked without. */
  constructor(doneHereMax: number = INODES_DONE_HERE) {
    this.#doneHereMax = doneHereMax;
  }

  async look(root: Buffer, keys: readonly PathKey[]): Promise<Looks> {
    const rows = await this.#rows({ kind: 'look', root, keys: packKeys(keys) }, keys.length);
    return { at: (index) => rows.at(index) ?? lstatIfThere(pathBelow(root, keys[index] as PathKey)) };
  }

  /**
   * Gives files of the tree `from` further names in the tree `to`, where nothing stands, if they are as they are known to be. Answers what they look like
   * then; undefined where that was not so, or did not work.
   */
  async link(from: Buffer, to: Buffer, files: readonly KnownFile[]): Promise<Links> {
    const known = new BigInt64Array(files.length * KNOWN_WORDS);
    let word = 0;
    for (const { sizeBytes, ino, ctimeNs } of files) {
      known[word++] = BigInt(sizeBytes);
      known[word++] = BigInt.asIntN(64, ino);
      known[word++] = ctimeNs;
    }
    return this.#rows({ kind: 'link', fromRoot: from, from: packKeys(files.map(({ key }) => key)), toRoot: to, to: packKeys(files.map(({ newKey }) => newKey)), known }, files.length);
  }

  /**
   * Brings files into being, under names where nothing stands: as a further name of the old one, if there is one that holds the same bytes; else anew.
   * Answers what they look like then; undefined where the old one is not as it is known, or it did not work: nothing of it stands there.
   */
  async put(files: readonly SmallFile[]): Promise<(Looked | undefined)[]> {
    const known = new BigInt64Array(files.length * KNOWN_WORDS);
    for (const [index, { bytes, old }] of files.entries()) known.set([BigInt(bytes.byteLength), BigInt.asIntN(64, old?.ino ?? 0n), old?.ctimeNs ?? 0n], index * KNOWN_WORDS);
    const job: PutJob = { kind: 'put', to: packPaths(files.map(({ path }) => path)), from: packPaths(files.map(({ old }) => old?.path ?? NO_PATH)), known, contents: Buffer.concat(files.map(({ bytes }) => bytes)) };
    const rows = await this.#rows(job, files.length);
    return files.map((_, index) => rows.at(index));
  }

  /** Removes names, no directories; they need not be there. Throws what unlink throws. */
  async unlink(paths: readonly Buffer[]): Promise<void> {
    await Promise.all(paths.map(unlinkIfThere));
  }

  /** Resolves when the threads have ended, each after what it has been asked for. What is asked for later is done here. May be called twice. */
  close(): Promise<void> {
    return this.#pool.close();
  }

  /** On a thread, if it is worth it and that does not die. */
  async #rows(job: InodeJob, count: number): Promise<InodeRows> {
    if (this.#isDoneHere(count)) return rowsOf(job);
    return this.#pool.run(job).then(
      (words) => new InodeRows(words),
      () => {
        // A thread that died may have made some, which as they are now nobody knows.
        if (job.kind !== 'look') unlinkAll(newPathsOf(job));
        return rowsOf(job);
      },
    );
  }

  #isDoneHere(count: number): boolean {
    const isHere = count === 0 || this.#doneHereCount < this.#doneHereMax || availableParallelism() === 1;
    if (isHere) this.#doneHereCount += count;
    return isHere;
  }
}

/** Node's own threads do it: the call may have to wait for the disk to discard the file's blocks. */
async function unlinkIfThere(path: Buffer): Promise<void> {
  await unlink(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error;
  });
}
