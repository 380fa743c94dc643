/**
 * Where each chunk stands, in LevelDB: small enough to look up without waiting, and made again from the packs when it is lost.
 * Keys: `c` + digest, a chunk; `p` + pack id, what the index has taken in of a pack; `n`, the pack numbers given so far; `v`, the version of this layout.
 * An entry names its pack by a short number, which the pack's record gives: an entry whose number no record has is of a pack that is gone.
 */
import { existsSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Level } from 'level';
import { BranchcastError } from '../base/errors.ts';
import { INDEX_BLOCK_BYTES, INDEX_CACHE_BYTES, INDEX_OPEN_BYTES, INDEX_RESTART_INTERVAL } from '../base/limits/store.ts';
import type { Logger } from '../base/log.ts';
import { digestFromBytes, type Digest } from '../chunking/digest.ts';
import type { ChunkLocation } from './chunk-store.ts';
import { indexFailure, isDamage, isLocked } from './index-errors.ts';
import { PackNumbers } from './pack-numbers.ts';
import { decodeLocation, decodePack, encodeLocation, encodePack, type PackRecord } from './index-records.ts';

export interface EntryChange {
  readonly digest: Digest;
  readonly before: ChunkLocation | undefined;
  readonly after: ChunkLocation | undefined;
}

export interface PackChange {
  readonly packId: string;
  readonly record: PackRecord | undefined;
}

type Database = Level<Uint8Array, Uint8Array>;

const LAYOUT_VERSION = Buffer.from('2');
/** What opening LevelDB takes, roughly: for who asks meanwhile. */
const REOPEN_MS = 200;
const DAMAGED_MARK = 'DAMAGED';
const VERSION_KEY = Buffer.from('v');
const NUMBER_KEY = Buffer.from('n');
const CHUNK_PREFIX = '63';
const PACK_PREFIX = '70';

export class ChunkIndex {
  readonly #dir: string;
  #db: Database;
  /** A write failed: LevelDB refuses further ones, and its log may end in a torn record, until it is opened anew. */
  #failed = false;
  /** Changes under way to the disk: what they say is already true, for the bytes that they name are durable. */
  #staged = new Map<Digest, ChunkLocation | undefined>();

  readonly #numbers = new PackNumbers();
  #lastNumberWritten = 0;
  readonly #requireRoom: (bytes: number) => Promise<void>;

  private constructor(dir: string, db: Database, requireRoom: (bytes: number) => Promise<void>) {
    this.#dir = dir;
    this.#db = db;
    this.#requireRoom = requireRoom;
  }

  /**
   * Opens the index, an empty one where it is missing, damaged or of another layout. Throws BC_STORE_LOCKED. `requireRoom` throws
   * BC_DISK_FULL unless the disk has room for so many bytes.
   */
  static async open(dir: string, log: Logger, requireRoom: (bytes: number) => Promise<void>): Promise<ChunkIndex> {
    try {
      return await ChunkIndex.#opened(dir, requireRoom);
    } catch (error) {
      if (isLocked(error)) throw new BranchcastError('BC_STORE_LOCKED', `another process has the store in ${dir} open`, { cause: error });
      if (!isDamage(error)) throw indexFailure(dir, error);
      log.warn({ err: error, dir }, 'the chunk index is damaged; it is made again from the packs');
      await rm(dir, { recursive: true, force: true });
      return await ChunkIndex.#opened(dir, requireRoom);
    }
  }

  static async #opened(dir: string, requireRoom: (bytes: number) => Promise<void>): Promise<ChunkIndex> {
    const index = new ChunkIndex(dir, await openSound(dir), requireRoom);
    try {
      await index.#readNumbers();
      return index;
    } catch (error) {
      await index.close();
      throw error;
    }
  }

  get(digest: Digest): ChunkLocation | undefined {
    if (this.#staged.has(digest)) return this.#staged.get(digest);
    if (this.#db.status !== 'open') throw new BranchcastError('BC_BUSY', `the chunk index in ${this.#dir} is being opened again after a failed write`, { details: { retryAfterMs: REOPEN_MS } });
    let value: Uint8Array | undefined;
    try {
      value = this.#db.getSync(chunkKey(digest));
    } catch (error) {
      throw this.#failure(error);
    }
    return value === undefined ? undefined : this.#decode(value);
  }

  /**
   * Changes that become visible at once, and are written in one batch. If that fails they are taken back and the error is thrown.
   * One call at a time. Not synced: after a power cut a pack's own record tells how far the index knows it, and the rest is read again.
   */
  async write(entries: readonly EntryChange[], packs: readonly PackChange[]): Promise<void> {
    this.#staged = new Map(entries.map((entry) => [entry.digest, entry.after]));
    try {
      if (this.#failed) await this.#reopen();
      const batch = this.#db.batch();
      for (const { digest, after } of entries) {
        if (after === undefined) batch.del(chunkKey(digest));
        else batch.put(chunkKey(digest), encodeLocation({ ...after, packNumber: this.#numbers.of(after.packId) }));
      }
      for (const { packId, record } of packs) {
        if (record === undefined) batch.del(packKey(packId));
        else batch.put(packKey(packId), encodePack({ ...record, packNumber: this.#numbers.of(packId) }));
      }
      const { last } = this.#numbers;
      if (last > this.#lastNumberWritten) batch.put(NUMBER_KEY, encodeNumber(last));
      await batch.write();
      this.#lastNumberWritten = last;
      for (const { packId, record } of packs) if (record === undefined) this.#numbers.drop(packId);
    } catch (error) {
      this.#failed = true;
      throw indexFailure(this.#dir, error);
    } finally {
      this.#staged = new Map();
    }
  }

  async *packs(): AsyncGenerator<[string, PackRecord | undefined], void, undefined> {
    for await (const [key, value] of this.#range('p', 'q')) yield [packIdOf(key), decodePack(value)];
  }

  /** Every entry; takes seconds for millions. */
  async *entries(): AsyncGenerator<[Digest, ChunkLocation | undefined], void, undefined> {
    for await (const [key, value] of this.#range('c', 'd')) yield [digestFromBytes(key, 1), this.#decode(value)];
  }

  async #readNumbers(): Promise<void> {
    const last = this.#db.getSync(NUMBER_KEY);
    if (last !== undefined) this.#numbers.take(decodeNumber(last));
    this.#lastNumberWritten = this.#numbers.last;
    for await (const [key, value] of this.#range('p', 'q')) {
      const record = decodePack(value);
      if (record !== undefined) this.#numbers.know(packIdOf(key), record.packNumber);
    }
  }

  /** undefined: not what this version wrote, or in a pack that is gone. */
  #decode(value: Uint8Array): ChunkLocation | undefined {
    const found = decodeLocation(value);
    const packId = found === undefined ? undefined : this.#numbers.packId(found.packNumber);
    if (found === undefined || packId === undefined) return undefined;
    const { offsetBytes, storedBytes, rawBytes, chunkBytes } = found;
    return { packId, offsetBytes, storedBytes, rawBytes, chunkBytes };
  }

  async *#range(from: string, to: string): AsyncGenerator<[Uint8Array, Uint8Array], void, undefined> {
    try {
      yield* this.#db.iterator({ gte: Buffer.from(from), lt: Buffer.from(to), fillCache: false });
    } catch (error) {
      throw this.#failure(error);
    }
  }

  /** Rot that reading meets does not show when LevelDB is opened: a note is left for the next time. */
  #failure(error: unknown): BranchcastError {
    if (isDamage(error)) markDamaged(this.#dir);
    return indexFailure(this.#dir, error);
  }

  async close(): Promise<void> {
    await this.#db.close();
  }

  /** Reading goes on in the failed state, but not between closing and opening: only where opening will not fail for lack of room. */
  async #reopen(): Promise<void> {
    await this.#requireRoom(INDEX_OPEN_BYTES);
    await this.#db.close();
    this.#db = await openDatabase(this.#dir);
    this.#failed = false;
  }
}

function markDamaged(dir: string): void {
  try {
    writeFileSync(join(dir, DAMAGED_MARK), '');
  } catch {
    // The error that was met is the one to report.
  }
}

/** Open, of this layout, and with nothing known against it. */
async function openSound(dir: string): Promise<Database> {
  const db = await openDatabase(dir);
  try {
    if (existsSync(join(dir, DAMAGED_MARK))) throw new BranchcastError('BC_STORE_DAMAGED', `the chunk index in ${dir} was found damaged`);
    const version = db.getSync(VERSION_KEY);
    if (version === undefined || !LAYOUT_VERSION.equals(version)) {
      await db.clear();
      await db.put(VERSION_KEY, LAYOUT_VERSION);
    }
    return db;
  } catch (error) {
    await db.close();
    throw error;
  }
}

async function openDatabase(dir: string): Promise<Database> {
  // Digests do not compress. LevelDB maps its tables into memory, up to 1000 of them: what is read of them is resident until the system wants it back.
  const db: Database = new Level(dir, { keyEncoding: 'view', valueEncoding: 'view', compression: false, cacheSize: INDEX_CACHE_BYTES, blockSize: INDEX_BLOCK_BYTES, blockRestartInterval: INDEX_RESTART_INTERVAL });
  await db.open();
  return db;
}

function chunkKey(digest: Digest): Uint8Array {
  return Buffer.from(CHUNK_PREFIX + digest, 'hex');
}

function packKey(packId: string): Uint8Array {
  return Buffer.from(PACK_PREFIX + packId, 'hex');
}

function packIdOf(key: Uint8Array): string {
  return Buffer.from(key.buffer, key.byteOffset, key.byteLength).toString('hex', 1);
}

function encodeNumber(number: number): Buffer {
  const value = Buffer.allocUnsafe(4);
  value.writeUInt32LE(number);
  return value;
}

function decodeNumber(value: Uint8Array): number {
  return value.byteLength === 4 ? new DataView(value.buffer, value.byteOffset).getUint32(0, true) : 0;
}
