/** The steps of a capture, in key order and free of waiting: what capture.ts paces. */
import { readlinkSync, type BigIntStats } from 'node:fs';
import { BranchcastError } from '../base/errors.ts';
import { LISTED_PATHS_MAX } from '../base/limits.ts';
import { createCutKernel, type CutKernel } from '../chunking/cut-kernel.ts';
import type { Digest } from '../chunking/digest.ts';
import { hash } from '../chunking/hash.ts';
import type { ChunkerParams } from '../chunking/params.ts';
import { ManifestBuilder } from '../manifest/build.ts';
import type { Entry, PathKey } from '../manifest/entry.ts';
import { displayPath } from '../manifest/key.ts';
import { BundleQueue } from './bundle-queue.ts';
import type { CapturedBlock } from './captured-block.ts';
import { ChunkTally } from './chunk-tally.ts';
import { cutLargeFile } from './cut-large-file.ts';
import { metadataOf } from './inode-metadata.ts';
import { splitDeviceNumber } from './posix.ts';
import { openStable, retryOnce } from './read-file.ts';
import { treeError, walkTree, type Walked } from './walk.ts';

export interface CaptureStats {
  readonly entryCount: number;
  readonly fileCount: number;
  readonly logicalBytes: number;
  /** Different chunks, and their bytes. */
  readonly chunkCount: number;
  readonly chunkBytes: number;
  readonly nodeCount: number;
  readonly nodeBytes: number;
}

export interface SkippedPath {
  /** Below the tree, for people. */
  readonly path: string;
  readonly reason: string;
}

export interface Capture {
  readonly root: Digest;
  readonly stats: CaptureStats;
  /** The first LISTED_PATHS_MAX of the `skippedCount` entries that a layer cannot hold. */
  readonly skipped: readonly SkippedPath[];
  readonly skippedCount: number;
}

/** One run over a tree. */
export class TreeCapture {
  readonly #root: Buffer;
  readonly #params: ChunkerParams;
  readonly #kernel: CutKernel;
  readonly #tally = new ChunkTally();
  readonly #builder: ManifestBuilder;
  readonly #bundles: BundleQueue;
  readonly #firstNames = new Map<string, PathKey>();
  readonly #skipped: SkippedPath[] = [];
  #skippedCount = 0;
  #fileCount = 0;
  #logicalBytes = 0;
  #result: Capture | undefined;
  /** Blocks that came out of the last step. */
  #finished: CapturedBlock[] = [];

  constructor(root: Buffer, params: ChunkerParams) {
    this.#root = root;
    this.#params = params;
    this.#kernel = createCutKernel(params);
    this.#builder = new ManifestBuilder(({ digest, bytes }) => this.#finished.push({ digest, bytes, kind: 'node' }));
    this.#bundles = new BundleQueue(
      params,
      (bytes) => this.#storeBundle(bytes),
      (entry) => this.#builder.add(entry),
    );
  }

  get fileCount(): number {
    return this.#fileCount;
  }

  get logicalBytes(): number {
    return this.#logicalBytes;
  }

  /** Yields blocks as they come; undefined where a step had none, so that the caller can pace a tree of empty files too. */
  *run(): Generator<CapturedBlock | undefined, void, undefined> {
    for (const walked of walkTree(this.#root)) {
      if (walked.stat.isFile()) yield* this.#file(walked);
      else this.#other(walked);
      yield* this.#drain();
      yield undefined;
    }
    this.#bundles.finish();
    const manifest = this.#builder.finish();
    yield* this.#drain();
    this.#result = {
      root: manifest.root,
      stats: {
        entryCount: manifest.entryCount,
        fileCount: manifest.fileCount,
        logicalBytes: manifest.logicalBytes,
        chunkCount: this.#tally.chunkCount,
        chunkBytes: this.#tally.chunkBytes,
        nodeCount: manifest.nodeCount,
        nodeBytes: manifest.nodeBytes,
      },
      skipped: this.#skipped,
      skippedCount: this.#skippedCount,
    };
  }

  /** What a run that has ended adds up to. */
  get result(): Capture {
    if (this.#result === undefined) throw new BranchcastError('BC_INTERNAL', 'a capture was asked for its result before it ended');
    return this.#result;
  }

  *#file({ key, path, stat }: Walked): Generator<CapturedBlock | undefined, void, undefined> {
    if (stat.nlink > 1n) {
      const target = this.#firstNames.get(inodeName(stat));
      if (target !== undefined) {
        this.#bundles.addEntry({ type: 'hardlink', key, target });
        return;
      }
    }
    const read = yield* retryOnce(path, stat, (current) => this.#readFile(key, path, current));
    if (read.nlink > 1n) this.#firstNames.set(inodeName(read), key);
    this.#fileCount += 1;
    this.#logicalBytes += Number(read.size);
  }

  /** Answers the stat of what was read. */
  *#readFile(key: PathKey, path: Buffer, stat: BigIntStats): Generator<CapturedBlock | undefined, BigIntStats, undefined> {
    const metadata = metadataOf(stat);
    const sizeBytes = Number(stat.size);
    if (sizeBytes === 0) {
      this.#bundles.addEntry({ type: 'file', key, ...metadata, sizeBytes, content: { pieces: [] } });
      return stat;
    }
    const file = openStable(path, stat);
    try {
      if (sizeBytes <= this.#params.smallFileBytesMax) {
        const bytes = this.#kernel.buffer.subarray(0, sizeBytes);
        for (let at = 0, count = 1; count > 0 && at < sizeBytes; at += count) count = file.read(bytes.subarray(at));
        file.finish();
        this.#bundles.addSmallFile(key, metadata, bytes, this.#kernel.hits(0, sizeBytes));
      } else {
        const pieces = yield* cutLargeFile(this.#kernel, file, this.#tally);
        this.#bundles.addEntry({ type: 'file', key, ...metadata, sizeBytes, content: { pieces } });
      }
    } finally {
      file.close();
    }
    return stat;
  }

  #other({ key, path, stat }: Walked): void {
    const entry = otherEntry(key, path, stat);
    if (entry !== undefined) {
      this.#bundles.addEntry(entry);
      return;
    }
    this.#skippedCount += 1;
    const reason = stat.isSocket() ? 'a socket belongs to a running process' : 'of an unknown type';
    if (this.#skipped.length < LISTED_PATHS_MAX) this.#skipped.push({ path: displayPath(key), reason });
  }

  #storeBundle(view: Uint8Array): Digest {
    const digest = hash(view);
    if (!this.#tally.has(digest)) this.#finished.push({ digest, bytes: view.slice(), kind: 'chunk' });
    this.#tally.count(digest, view.byteLength);
    return digest;
  }

  *#drain(): Generator<CapturedBlock, void, undefined> {
    if (this.#finished.length === 0) return;
    const blocks = this.#finished;
    this.#finished = [];
    yield* blocks;
  }
}

function inodeName(stat: BigIntStats): string {
  return `${stat.dev}:${stat.ino}`;
}

/** The entry of what has no content; undefined for what a layer cannot hold. */
function otherEntry(key: PathKey, path: Buffer, stat: BigIntStats): Entry | undefined {
  const metadata = metadataOf(stat);
  if (stat.isDirectory()) return { type: 'directory', key, ...metadata };
  if (stat.isSymbolicLink()) return { type: 'symlink', key, ...metadata, target: linkTarget(path) };
  if (stat.isFIFO()) return { type: 'fifo', key, ...metadata };
  if (stat.isCharacterDevice()) return { type: 'char-device', key, ...metadata, ...splitDeviceNumber(stat.rdev) };
  if (stat.isBlockDevice()) return { type: 'block-device', key, ...metadata, ...splitDeviceNumber(stat.rdev) };
  return undefined;
}

function linkTarget(path: Buffer): Buffer {
  try {
    return readlinkSync(path, { encoding: 'buffer' });
  } catch (error) {
    throw treeError(path, 'the link', error);
  }
}
