/** Which chunk is where, and what each pack holds of them: the index, the packs that exist, and the pins, kept in step. */
import type { Digest } from '../chunking/digest.ts';
import type { ChunkIndex, EntryChange } from './chunk-index.ts';
import type { ChunkLocation } from './chunk-store.ts';
import { footerBytes } from './pack-format.ts';
import { Pins } from './pins.ts';

/** A pack that exists. */
export interface Pack {
  readonly packId: string;
  /** Committed length of the file. */
  lengthBytes: number;
  sealed: boolean;
  /** Whole frames in the file. */
  frameCount: number;
  /** Chunks that the index finds here, their bytes, and the bytes of those that are pinned. */
  chunkCount: number;
  rawBytes: number;
  pinnedRawBytes: number;
}

export function newPack(packId: string, lengthBytes: number): Pack {
  return { packId, lengthBytes, sealed: false, frameCount: 0, chunkCount: 0, rawBytes: 0, pinnedRawBytes: 0 };
}

export class ChunkLedger {
  readonly #index: ChunkIndex;
  readonly pins: Pins;
  readonly packs = new Map<string, Pack>();

  constructor(index: ChunkIndex) {
    this.#index = index;
    this.pins = new Pins({
      pinned: (digest) => this.#countPinned(digest, 1),
      unpinned: (digest) => this.#countPinned(digest, -1),
    });
  }

  /** Entries of packs that are gone, or beyond what their packs hold, are as good as none. */
  find(digest: Digest): ChunkLocation | undefined {
    const location = this.#index.get(digest);
    const pack = location === undefined ? undefined : this.packs.get(location.packId);
    return location !== undefined && pack !== undefined && location.offsetBytes + location.storedBytes <= pack.lengthBytes ? location : undefined;
  }

  /** The change that makes `after` the place of this chunk (undefined: no place). */
  change(digest: Digest, after: ChunkLocation | undefined): EntryChange {
    return { digest, before: this.find(digest), after };
  }

  /** Bytes of packs on the disk. */
  get storedBytes(): number {
    let sum = 0;
    for (const pack of this.packs.values()) sum += pack.lengthBytes;
    return sum;
  }

  /** The same, and the footers that are still to be written: what the quota counts. */
  get reservedBytes(): number {
    let sum = 0;
    for (const pack of this.packs.values()) sum += pack.lengthBytes + (pack.sealed ? 0 : footerBytes(pack.frameCount));
    return sum;
  }

  /**
   * Moves chunks in the index and the packs' counts with them, and writes both in one batch, with the records of `packs`. At once visible;
   * all taken back if the index cannot be written. Only one at a time, and no other change of packs beside it.
   */
  async apply(changes: readonly EntryChange[], packs: readonly Pack[]): Promise<void> {
    // A digest that is moved twice in one go: only its last place counts.
    const last = new Map<Digest, EntryChange>();
    for (const entry of changes) last.set(entry.digest, entry);
    const entries = [...last.values()];
    const touched = new Set(packs);
    for (const { before, after } of entries) for (const location of [before, after]) {
      const pack = location === undefined ? undefined : this.packs.get(location.packId);
      if (pack !== undefined) touched.add(pack);
    }
    for (const { digest, before, after } of entries) {
      this.#count(digest, before, -1);
      this.#count(digest, after, 1);
    }
    const records = [...touched].map((pack) => ({ packId: pack.packId, record: { ...pack } }));
    try {
      await this.#index.write(entries, records);
    } catch (error) {
      for (const { digest, before, after } of entries) {
        this.#count(digest, after, -1);
        this.#count(digest, before, 1);
      }
      throw error;
    }
  }

  /** Takes a pack out of sight, before its file goes. `forget` clears the index of it afterwards. */
  removePack(packId: string): void {
    this.packs.delete(packId);
  }

  /** Clears the index of a removed pack's chunks, those that have not moved on, and of its record. Returns how many were cleared. */
  async forget(packId: string, digests: Iterable<Digest>): Promise<number> {
    const gone: EntryChange[] = [];
    for (const digest of digests) if (this.#index.get(digest)?.packId === packId) gone.push({ digest, before: undefined, after: undefined });
    await this.#index.write(gone, [{ packId, record: undefined }]);
    return gone.length;
  }

  /** Digests whose entries name packs that do not exist. */
  async orphans(): Promise<Digest[]> {
    const found: Digest[] = [];
    for await (const [digest, location] of this.#index.entries()) if (location === undefined || !this.packs.has(location.packId)) found.push(digest);
    return found;
  }

  /** Digests that the index finds in this pack (at this frame), by reading the whole index: for when the pack itself cannot tell. */
  async digestsIn(packId: string, offsetBytes?: number): Promise<Digest[]> {
    const found: Digest[] = [];
    for await (const [digest, location] of this.#index.entries()) {
      if (location?.packId === packId && (offsetBytes === undefined || location.offsetBytes === offsetBytes)) found.push(digest);
    }
    return found;
  }

  #count(digest: Digest, location: ChunkLocation | undefined, by: 1 | -1): void {
    const pack = location === undefined ? undefined : this.packs.get(location.packId);
    if (pack === undefined || location === undefined) return;
    pack.chunkCount += by;
    pack.rawBytes += by * location.chunkBytes;
    if (this.pins.isPinned(digest)) pack.pinnedRawBytes += by * location.chunkBytes;
  }

  #countPinned(digest: Digest, by: 1 | -1): void {
    const location = this.find(digest);
    const pack = location === undefined ? undefined : this.packs.get(location.packId);
    if (pack !== undefined && location !== undefined) pack.pinnedRawBytes += by * location.chunkBytes;
  }
}
