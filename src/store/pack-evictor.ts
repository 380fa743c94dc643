/** Makes room under the quota by giving up whole packs, in the order of s3-fifo.ts. Called by the one who writes. */
import { EVICTION_WAIT_MS, PACK_PINNED_SHARE_MIN } from '../base/limits/store.ts';
import type { Logger } from '../base/log.ts';
import type { ChunkLedger, Pack } from './chunk-ledger.ts';
import type { FrameHeader } from './frame-header.ts';
import { Ghosts } from './ghosts.ts';
import { moveKept } from './pack-compaction.ts';
import { removePack } from './pack-removal.ts';
import type { PackHandles } from './pack-handles.ts';
import type { PackFrameReader } from './pack-reader.ts';
import type { PackListener, PackWriter } from './pack-writer.ts';
import { S3Fifo } from './s3-fifo.ts';
import { quotaExceeded } from './store-errors.ts';

export interface PackEvictorOptions {
  readonly quotaBytes: number;
  readonly packBytesTarget: number;
  readonly pathOf: (packId: string) => string;
  readonly ledger: ChunkLedger;
  readonly handles: PackHandles;
  readonly reader: PackFrameReader;
  readonly log: Logger;
  /** The pack that still grows: not up for eviction until it is sealed. */
  readonly openPackId: string | undefined;
}

export class PackEvictor implements PackListener {
  readonly #options: PackEvictorOptions;
  readonly #queue: S3Fifo;
  readonly #ghosts = new Ghosts();
  /** Of the open pack: raw bytes, and those of chunks that were evicted not long ago. */
  #openRawBytes = 0;
  #openGhostBytes = 0;
  /** Never given to puts: a full store can still move the pinned chunks of a pack before that goes. */
  readonly #headroomBytes: number;
  evictedBytes = 0;

  constructor(options: PackEvictorOptions) {
    this.#options = options;
    this.#headroomBytes = Math.ceil(options.packBytesTarget * PACK_PINNED_SHARE_MIN);
    this.#queue = new S3Fifo(options.quotaBytes);
    // What outlived the last process has proved itself; in the order of age.
    for (const { packId, lengthBytes } of options.ledger.packs.values()) if (packId !== options.openPackId) this.#queue.insert(packId, lengthBytes, true);
  }

  appended(_packId: string, header: FrameHeader): void {
    for (const { digest, bytes } of header.chunks) {
      this.#openRawBytes += bytes;
      if (this.#ghosts.has(digest)) this.#openGhostBytes += bytes;
    }
  }

  sealed(pack: Pack): void {
    this.#queue.insert(pack.packId, pack.lengthBytes, this.#openGhostBytes * 2 > this.#openRawBytes);
    this.#openRawBytes = 0;
    this.#openGhostBytes = 0;
  }

  /** A chunk of this pack was asked for. */
  use(packId: string, chunkBytes: number): void {
    const rawBytes = this.#options.ledger.packs.get(packId)?.rawBytes ?? 0;
    if (rawBytes > 0) this.#queue.use(packId, chunkBytes / rawBytes);
  }

  /** True if something had to go for it. Throws BC_QUOTA_EXCEEDED, at once and with nothing evicted where pins alone forbid it. */
  async makeRoom(neededBytes: number, writer: PackWriter): Promise<boolean> {
    const { quotaBytes } = this.#options;
    const wantedBytes = neededBytes + this.#headroomBytes;
    if (wantedBytes <= this.#roomBytes()) return false;
    if (this.pinnedBytes() + wantedBytes > quotaBytes) throw quotaExceeded(neededBytes, quotaBytes, this.pinnedBytes());
    const stuck = new Set<string>();
    const deadlineMs = performance.now() + EVICTION_WAIT_MS;
    while (wantedBytes > this.#roomBytes()) {
      if (await this.#step(writer, stuck)) continue;
      const waitMs = deadlineMs - performance.now();
      if (waitMs <= 0 || !this.#someoneReads()) throw quotaExceeded(neededBytes, quotaBytes, this.#options.ledger.reservedBytes);
      await this.#options.handles.nextRelease(waitMs);
      stuck.clear();
    }
    return true;
  }

  /** Bytes that pins hold: whole packs where much of them is pinned, the share of it where the pinned chunks can be moved. */
  pinnedBytes(): number {
    let sum = 0;
    for (const pack of this.#options.ledger.packs.values()) if (pack.pinnedRawBytes > 0) sum += pack.lengthBytes * (isLight(pack) ? pack.pinnedRawBytes / pack.rawBytes : 1);
    return Math.ceil(sum);
  }

  #roomBytes(): number {
    return this.#options.quotaBytes - this.#options.ledger.reservedBytes;
  }

  /** One step towards more room; false if there is none. Packs that resisted are `stuck`: they are not tried again. */
  async #step(writer: PackWriter, stuck: Set<string>): Promise<boolean> {
    const { ledger, handles } = this.#options;
    const mayGo = (packId: string): boolean => {
      const pack = ledger.packs.get(packId);
      if (pack === undefined || stuck.has(packId) || handles.users(packId) > 0) return false;
      return pack.pinnedRawBytes === 0 || (isLight(pack) && writer.bytesFor([{ byteLength: pack.pinnedRawBytes }]) <= this.#roomBytes());
    };
    const packId = this.#queue.victim(mayGo);
    if (packId === undefined) {
      // All that is left may be the pack that is being written: end it, and it is up for eviction as well.
      if (writer.openPackId === undefined || !mayGo(writer.openPackId)) return false;
      await writer.seal();
      return true;
    }
    const pack = ledger.packs.get(packId) as Pack;
    const clear = pack.pinnedRawBytes === 0 || (await moveKept(pack, { ...this.#options, writer, roomBytes: () => this.#roomBytes(), keeps: (digest) => ledger.pins.isPinned(digest) }));
    if (!clear || !(await this.#evict(pack))) stuck.add(packId);
    return true;
  }

  /** False if a reader or a pin came in between. */
  async #evict(pack: Pack): Promise<boolean> {
    const { lengthBytes } = pack;
    const digests = await removePack(pack, this.#options, () => pack.pinnedRawBytes === 0);
    if (digests === undefined) return false;
    this.#queue.remove(pack.packId);
    this.evictedBytes += lengthBytes;
    for (const digest of digests) this.#ghosts.add(digest);
    return true;
  }

  #someoneReads(): boolean {
    for (const packId of this.#options.ledger.packs.keys()) if (this.#options.handles.users(packId) > 0) return true;
    return false;
  }
}

/** Little enough of it is pinned that moving that is cheaper than keeping the rest. */
function isLight(pack: Pack): boolean {
  return pack.pinnedRawBytes < pack.rawBytes * PACK_PINNED_SHARE_MIN;
}
