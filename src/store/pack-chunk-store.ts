/**
 * The ChunkStore on a disk: append-only packs of frames, and a LevelDB index that can be made again from them.
 * `dir/packs/<packId>.pack`, `dir/index/`. One process at a time: the index's lock guards both.
 */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { asBranchcastError, hasCode } from '../base/errors.ts';
import { PACK_BYTES_TARGET } from '../base/limits/frames.ts';
import { INDEX_OPEN_BYTES, PACK_BYTES_MIN, PACKS_UNDER_QUOTA } from '../base/limits/store.ts';
import { silentLog, type Logger } from '../base/log.ts';
import type { Digest } from '../chunking/digest.ts';
import { ChunkIndex } from './chunk-index.ts';
import { ChunkLedger } from './chunk-ledger.ts';
import type { ChunkLocation, ChunkStore, FrameLocation, PackKeeper, PackReader, PutResult, ScrubOptions, ScrubReport, StoreStats } from './chunk-store.ts';
import { DiskRoom } from './disk-room.ts';
import { PackChanges, type PackChangesParts } from './pack-changes.ts';
import { PackEvictor } from './pack-evictor.ts';
import { PackHandles } from './pack-handles.ts';
import { PackFrameReader } from './pack-reader.ts';
import { recoverPacks } from './pack-recovery.ts';
import { PackWriter, type PackListener } from './pack-writer.ts';
import { isRot, rotten, storeClosed } from './store-errors.ts';

export interface PackChunkStoreOptions {
  readonly dir: string;
  /** Bytes that packs may take together, at any moment. The index comes on top: about 0.1 % of the chunks' bytes. None: nothing is evicted. */
  readonly quotaBytes?: number;
  /** Size at which a pack is sealed. By default PACK_BYTES_TARGET, and less under a small quota. */
  readonly packBytesTarget?: number;
  readonly log?: Logger;
  /** Bytes that can still be written to the file system of a directory; what statfs says by default. */
  readonly freeBytes?: (dir: string) => Promise<number>;
}

export type PackChunkStore = ChunkStore & PackReader & PackKeeper;

/** Makes the directory if it is not there. Throws BC_STORE_LOCKED, BC_FORMAT_VERSION, BC_DISK_FULL. */
export async function openPackChunkStore(options: PackChunkStoreOptions): Promise<PackChunkStore> {
  const packsDir = join(options.dir, 'packs');
  await mkdir(packsDir, { recursive: true });
  const room = new DiskRoom(packsDir, options.freeBytes);
  try {
    // An index that turns out to be rotten while it is read is made again by the next attempt.
    return await openOnce(options, packsDir, room).catch((error: unknown) => (hasCode(error, 'BC_STORE_DAMAGED') ? openOnce(options, packsDir, room) : Promise.reject(error)));
  } catch (error) {
    throw await room.explain(error, INDEX_OPEN_BYTES);
  }
}

async function openOnce(options: PackChunkStoreOptions, packsDir: string, room: DiskRoom): Promise<PackChunkStore> {
  const { dir, log = silentLog, quotaBytes } = options;
  const pathOf = (packId: string): string => join(packsDir, `${packId}.pack`);
  const packBytesTarget = options.packBytesTarget ?? Math.min(PACK_BYTES_TARGET, Math.max(PACK_BYTES_MIN, Math.floor((quotaBytes ?? Number.POSITIVE_INFINITY) / PACKS_UNDER_QUOTA)));
  const index = await ChunkIndex.open(join(dir, 'index'), log, (bytes) => room.require(bytes));
  try {
    const ledger = new ChunkLedger(index);
    const recovered = await recoverPacks({ dir: packsDir, pathOf, packBytesTarget, index, ledger, log });
    const handles = new PackHandles(pathOf);
    const reader = new PackFrameReader(ledger, handles);
    const evictor = quotaBytes === undefined ? undefined : new PackEvictor({ quotaBytes, packBytesTarget, pathOf, ledger, handles, reader, log, openPackId: recovered.open?.packId });
    const writer = new PackWriter({ dir: packsDir, pathOf, packBytesTarget, ledger, listener: evictor ?? NOBODY }, recovered.open, recovered.newestId);
    return new PackStore({ index, ledger, handles, pathOf, reader, evictor, writer, quotaBytes, log, room });
  } catch (error) {
    await index.close();
    throw error;
  }
}

const NOBODY: PackListener = { appended: () => undefined, sealed: () => undefined };

interface Parts extends PackChangesParts {
  readonly index: ChunkIndex;
  readonly quotaBytes: number | undefined;
}

class PackStore implements PackChunkStore {
  readonly #parts: Parts;
  readonly #changes: PackChanges;
  readonly #underWay = new Set<Promise<unknown>>();
  #hitCount = 0;
  #missCount = 0;
  #corruptCount = 0;
  #closing: Promise<void> | undefined;

  constructor(parts: Parts) {
    this.#parts = parts;
    this.#changes = new PackChanges(parts);
  }

  has(digests: readonly Digest[]): boolean[] {
    this.#checkOpen();
    return digests.map((digest) => this.#parts.ledger.find(digest) !== undefined);
  }

  locate(digests: readonly Digest[]): (ChunkLocation | undefined)[] {
    this.#checkOpen();
    return digests.map((digest) => this.#find(digest));
  }

  async get(digest: Digest): Promise<Uint8Array | undefined> {
    this.#checkOpen();
    const first = this.#find(digest);
    // A pack may go between looking up and reading; then the chunk is gone, or stands in another.
    for (let location = first; location !== undefined; location = this.#parts.ledger.find(digest)) {
      const chunks = await this.#orDrop(location, `chunk ${digest}`, (found) => this.#parts.reader.decoded(found));
      const bytes = chunks?.get(digest);
      if (bytes !== undefined) return bytes;
      this.#checkOpen();
      if (chunks !== undefined) await this.#dropped(location, `the index entry of chunk ${digest}`, undefined);
    }
    return undefined;
  }

  async readFrame(location: FrameLocation): Promise<Uint8Array | undefined> {
    this.#checkOpen();
    return this.#orDrop(location, 'a frame', (found) => this.#parts.reader.stored(found));
  }

  put(frames: readonly Uint8Array[]): Promise<PutResult> {
    return this.#hold(() => this.#changes.put(frames));
  }

  restore(frames: readonly Uint8Array[]): Promise<number> {
    return this.#hold(() => this.#changes.restore(frames));
  }

  reclaim(signal?: AbortSignal): Promise<number> {
    return this.#hold(() => this.#changes.reclaim(signal));
  }

  pin(name: string, digests: Iterable<Digest>): void {
    this.#checkOpen();
    this.#parts.ledger.pins.pin(name, digests);
  }

  unpin(name: string): void {
    this.#checkOpen();
    this.#parts.ledger.pins.unpin(name);
  }

  stats(): StoreStats {
    const { ledger, evictor, quotaBytes } = this.#parts;
    let [chunkCount, frameCount, rawBytes] = [0, 0, 0];
    for (const pack of ledger.packs.values()) {
      chunkCount += pack.chunkCount;
      frameCount += pack.frameCount;
      rawBytes += pack.rawBytes;
    }
    return {
      chunkCount, frameCount, packCount: ledger.packs.size, rawBytes, storedBytes: ledger.storedBytes, quotaBytes,
      pinnedBytes: evictor?.pinnedBytes() ?? 0, evictedBytes: evictor?.evictedBytes ?? 0,
      hitCount: this.#hitCount, missCount: this.#missCount, corruptCount: this.#corruptCount,
    };
  }

  async scrub(options: ScrubOptions = {}): Promise<ScrubReport> {
    this.#checkOpen();
    const report = await this.#changes.scrub(options);
    this.#corruptCount += report.dropped.length;
    return report;
  }

  async close(): Promise<void> {
    this.#closing ??= this.#close();
    await this.#closing;
  }

  packBytes(packId: string): number | undefined {
    this.#checkOpen();
    return this.#parts.ledger.packs.get(packId)?.lengthBytes;
  }

  async *readPack(packId: string, startBytes: number, endBytes: number, signal?: AbortSignal): AsyncGenerator<Uint8Array, void, undefined> {
    this.#checkOpen();
    yield* this.#parts.reader.range(packId, startBytes, endBytes, signal);
  }

  /** Closing waits for it. */
  async #hold<T>(begin: () => Promise<T>): Promise<T> {
    this.#checkOpen();
    const work = begin();
    this.#underWay.add(work);
    try {
      return await work;
    } finally {
      this.#underWay.delete(work);
    }
  }

  #find(digest: Digest): ChunkLocation | undefined {
    const location = this.#parts.ledger.find(digest);
    if (location === undefined) {
      this.#missCount += 1;
    } else {
      this.#hitCount += 1;
      this.#parts.evictor?.use(location.packId, location.chunkBytes);
    }
    return location;
  }

  async #orDrop<T>(location: FrameLocation, what: string, read: (location: FrameLocation) => Promise<T>): Promise<T> {
    try {
      return await read(location);
    } catch (error) {
      if (!isRot(error)) throw asBranchcastError(error, 'BC_STORE_DAMAGED');
      return this.#dropped(location, what, error);
    }
  }

  async #dropped(location: FrameLocation, what: string, cause: unknown): Promise<never> {
    this.#corruptCount += 1;
    const error = rotten(location, what, cause);
    const digests = await this.#changes.drop(location);
    this.#parts.log.error({ err: error, chunks: digests.length }, 'dropped a rotten frame');
    throw error;
  }

  async #close(): Promise<void> {
    const { writer, handles, index } = this.#parts;
    await Promise.allSettled(this.#underWay);
    await this.#changes.idle();
    await writer.close();
    await handles.closeAll();
    await index.close();
  }

  #checkOpen(): void {
    if (this.#closing !== undefined) throw storeClosed();
  }
}
