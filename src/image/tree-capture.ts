/** The steps of a capture, in key order and free of waiting: what capture.ts paces. */
import { BranchcastError } from '../base/errors.ts';
import { LISTED_PATHS_MAX } from '../base/limits/trees.ts';
import { createCutKernel, type CutKernel } from '../chunking/cut-kernel.ts';
import type { Digest } from '../chunking/digest.ts';
import { hash } from '../chunking/hash.ts';
import type { ChunkerParams } from '../chunking/params.ts';
import { ManifestBuilder } from '../manifest/build.ts';
import type { Entry, PathKey } from '../manifest/entry.ts';
import { displayPath } from '../manifest/key.ts';
import { BundleQueue, type Item } from './bundle-queue.ts';
import type { CaptureCacheReader, CaptureCacheWriter, Seen } from './capture-cache.ts';
import { capturedChunk, type CapturedBlock } from './captured-block.ts';
import type { Capture, SkippedPath } from './capture-result.ts';
import { ChunkTally } from './chunk-tally.ts';
import { cutLargeFile } from './cut-large-file.ts';
import { metadataOf } from './inode-metadata.ts';
import type { Looked } from './inode-rows.ts';
import { splitDeviceNumber } from './posix.ts';
import { changedWhileRead, openStable, readWhole, retryOnce } from './read-file.ts';
import { statOfFile } from './walk.ts';
import type { ReadEntry } from './walk-batch.ts';

export interface CaptureMemory {
  /** What an earlier capture of the tree found. */
  readonly known?: CaptureCacheReader | undefined;
  /** What the next one may believe. */
  readonly record?: CaptureCacheWriter | undefined;
}

/** What of an entry is needed to read it. */
type FileToRead = Pick<ReadEntry, 'key' | 'path' | 'stat' | 'atMs'> & { readonly bytes?: Uint8Array | undefined };

/** A file as it was read. */
interface Found extends Item<Seen> {
  readonly stat: Looked;
}

/** One run over a tree. */
export class TreeCapture {
  readonly #params: ChunkerParams;
  readonly #memory: CaptureMemory;
  readonly #kernel: CutKernel;
  readonly #tally = new ChunkTally();
  readonly #builder: ManifestBuilder;
  readonly #bundles: BundleQueue<Seen>;
  readonly #firstNames = new Map<string, PathKey>();
  readonly #skipped: SkippedPath[] = [];
  #skippedCount = 0;
  #fileCount = 0;
  #logicalBytes = 0;
  #result: Capture | undefined;
  /** Blocks that came out of the last step. */
  #finished: CapturedBlock[] = [];

  constructor(params: ChunkerParams, memory: CaptureMemory = {}) {
    this.#params = params;
    this.#memory = memory;
    this.#kernel = createCutKernel(params);
    this.#builder = new ManifestBuilder(({ digest, bytes }) => this.#finished.push({ digest, bytes, kind: 'node' }));
    const bundles = { store: (bytes: Uint8Array) => this.#storeBundle(bytes), reuse: (digest: Digest, bytes: number) => this.#tally.count(digest, bytes) };
    this.#bundles = new BundleQueue(params, bundles, (entry, seen) => {
      this.#builder.add(entry);
      memory.record?.add(entry, seen);
    });
  }

  get fileCount(): number {
    return this.#fileCount;
  }

  get logicalBytes(): number {
    return this.#logicalBytes;
  }

  /** Takes the tree's entries, in key order. Yields blocks as they come; undefined where an entry had none, so that the caller can pace a tree of empty files too. */
  *take(entries: Iterable<ReadEntry>): Generator<CapturedBlock | undefined, void, undefined> {
    for (const entry of entries) {
      if (entry.stat.isFile()) yield* this.#file(entry);
      else this.#other(entry);
      yield* this.#drain();
      yield undefined;
    }
  }

  /** After the last entry. */
  *finish(): Generator<CapturedBlock, void, undefined> {
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

  /** What it all adds up to. */
  get result(): Capture {
    if (this.#result === undefined) throw new BranchcastError('BC_INTERNAL', 'a capture was asked for its result before it ended');
    return this.#result;
  }

  *#file(entry: ReadEntry): Generator<CapturedBlock | undefined, void, undefined> {
    const { key, stat, atMs } = entry;
    if (stat.nlink > 1n) {
      const target = this.#firstNames.get(inodeName(stat));
      if (target !== undefined) {
        this.#bundles.addEntry({ type: 'hardlink', key, target }, seen(stat, atMs));
        return;
      }
    }
    let read = stat;
    if (!this.#knownFile(entry)) {
      // Added when it has been read: adding may read other files, whose changes are no reason to read this one again.
      const found = entry.bytes === undefined ? yield* this.#readInTurn(entry) : { stat, ...this.#readSmallFile(entry) };
      this.#addItem(found);
      read = found.stat;
    }
    if (read.nlink > 1n) this.#firstNames.set(inodeName(read), key);
    this.#fileCount += 1;
    this.#logicalBytes += Number(read.size);
  }

  #readInTurn({ key, path, stat, atMs }: ReadEntry): Generator<CapturedBlock | undefined, Found, undefined> {
    return retryOnce(path, stat, (current) => this.#readFile({ key, path, stat: current, atMs: current === stat ? atMs : Date.now() }));
  }

  /** A file that is as an earlier capture found it, if it is one: not read, unless it is small and its bundle has changed. */
  #knownFile(entry: ReadEntry): boolean {
    const { known } = this.#memory;
    const { key, stat, atMs } = entry;
    const content = known?.isUnchanged(key, stat) === true ? known.content() : undefined;
    if (content === undefined) return false;
    const { pieces, hit } = content;
    const metadata = metadataOf(stat);
    const sizeBytes = Number(stat.size);
    const [bundle] = pieces;
    if (bundle !== undefined && sizeBytes <= this.#params.smallFileBytesMax) {
      const { path } = entry;
      const read = (into: Uint8Array): void => readWhole(path, stat, into);
      this.#bundles.addSmallFile({ key, metadata, sizeBytes, hit, known: bundle, read, again: () => this.#readAgain(key, path, stat) }, seen(stat, atMs, hit));
    } else {
      for (const { digest, chunkBytes } of pieces) this.#tally.count(digest, chunkBytes);
      this.#bundles.addEntry({ type: 'file', key, ...metadata, sizeBytes, content: { pieces } }, seen(stat, atMs));
    }
    return true;
  }

  *#readFile(entry: FileToRead): Generator<CapturedBlock | undefined, Found, undefined> {
    const { key, path, stat, atMs } = entry;
    if (Number(stat.size) <= this.#params.smallFileBytesMax) return { stat, ...this.#readSmallFile(entry) };
    const note = seen(stat, atMs);
    const file = openStable(path, stat);
    try {
      const pieces = yield* cutLargeFile(this.#kernel, file, this.#tally);
      return { stat, item: { type: 'file', key, ...metadataOf(stat), sizeBytes: Number(stat.size), content: { pieces } }, note };
    } finally {
      file.close();
    }
  }

  /** A small file stands in the kernel's memory at `at` until it is added. */
  #readSmallFile(file: FileToRead, at = 0): Item<Seen> {
    const { key, stat, atMs } = file;
    const metadata = metadataOf(stat);
    const sizeBytes = Number(stat.size);
    if (sizeBytes === 0) return { item: { type: 'file', key, ...metadata, sizeBytes, content: { pieces: [] } }, note: seen(stat, atMs) };
    const bytes = this.#kernel.buffer.subarray(at, at + sizeBytes);
    if (file.bytes === undefined) readWhole(file.path, stat, bytes);
    else bytes.set(file.bytes);
    const hit = this.#kernel.hits(at, at + sizeBytes);
    return { item: { key, metadata, sizeBytes, hit, read: (into) => into.set(bytes) }, note: seen(stat, atMs, hit) };
  }

  /** A small file that turned out to have changed when its turn was over. One that is large by now would need that turn; one in the place of a file with further names is not what those link to. */
  #readAgain(key: PathKey, path: Buffer, stat: Looked): Item<Seen> {
    const atMs = Date.now();
    const fresh = statOfFile(path);
    const isOther = stat.nlink > 1n && inodeName(fresh) !== inodeName(stat);
    if (isOther || fresh.size > this.#params.smallFileBytesMax) throw changedWhileRead(path);
    // Before it in the kernel's memory another file may wait to be added.
    const found = this.#readSmallFile({ key, path, stat: fresh, atMs }, this.#params.smallFileBytesMax);
    if ('type' in found.item) return found;
    const bytes = new Uint8Array(found.item.sizeBytes);
    found.item.read(bytes);
    return { item: { ...found.item, read: (into) => into.set(bytes) }, note: found.note };
  }

  #addItem({ item, note }: Item<Seen>): void {
    if ('type' in item) this.#bundles.addEntry(item, note);
    else this.#bundles.addSmallFile(item, note);
  }

  #other(walked: ReadEntry): void {
    const { key, stat, atMs } = walked;
    const note = seen(stat, atMs);
    const entry = otherEntry(walked);
    if (entry !== undefined) {
      this.#bundles.addEntry(entry, note);
      return;
    }
    this.#skippedCount += 1;
    const reason = stat.isSocket() ? 'a socket belongs to a running process' : 'of an unknown type';
    if (this.#skipped.length < LISTED_PATHS_MAX) this.#skipped.push({ path: displayPath(key), reason });
  }

  #storeBundle(view: Uint8Array): Digest {
    const digest = hash(view);
    if (!this.#tally.has(digest)) this.#finished.push(capturedChunk(digest, view));
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

function seen(stamp: Looked, atMs: number, hit = false): Seen {
  return { stamp, atMs, hit };
}

function inodeName(stat: Looked): string {
  return `${stat.dev}:${stat.ino}`;
}

/** The entry of what has no content; undefined for what a layer cannot hold. */
function otherEntry({ key, stat, target }: ReadEntry): Entry | undefined {
  const metadata = metadataOf(stat);
  if (stat.isDirectory()) return { type: 'directory', key, ...metadata };
  if (target !== undefined) return { type: 'symlink', key, ...metadata, target };
  if (stat.isFIFO()) return { type: 'fifo', key, ...metadata };
  if (stat.isCharacterDevice()) return { type: 'char-device', key, ...metadata, ...splitDeviceNumber(stat.rdev) };
  if (stat.isBlockDevice()) return { type: 'block-device', key, ...metadata, ...splitDeviceNumber(stat.rdev) };
  return undefined;
}
