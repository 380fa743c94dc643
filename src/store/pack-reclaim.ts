/** Gives up packs of which little is found any more, since their chunks stand in newer frames. For stores without a quota: under one, eviction does it. */
import { PACK_FOUND_SHARE_MIN } from '../base/limits/store.ts';
import type { Pack } from './chunk-ledger.ts';
import { moveKept } from './pack-compaction.ts';
import { isGone } from './pack-handles.ts';
import type { PackFrameReader } from './pack-reader.ts';
import { removePack, type RemovalParts } from './pack-removal.ts';
import { scanPack } from './pack-scan.ts';
import type { PackWriter } from './pack-writer.ts';

export interface ReclaimParts extends RemovalParts {
  readonly reader: PackFrameReader;
  readonly writer: PackWriter;
}

export class PackReclaimer {
  readonly #parts: ReclaimParts;
  /** Raw bytes of all frames of sealed packs, which never change: counted once. */
  readonly #rawBytes = new Map<string, number>();

  constructor(parts: ReclaimParts) {
    this.#parts = parts;
  }

  /** Packs that are worth giving up now and that nobody reads. */
  async *worn(): AsyncGenerator<Pack, void, undefined> {
    const { ledger, handles } = this.#parts;
    for (const packId of this.#rawBytes.keys()) if (!ledger.packs.has(packId)) this.#rawBytes.delete(packId);
    for (const pack of Array.from(ledger.packs.values())) {
      const allBytes = await this.#allRawBytes(pack);
      if (pack.rawBytes < allBytes * PACK_FOUND_SHARE_MIN && handles.users(pack.packId) === 0) yield pack;
    }
  }

  /** Moves what is found in the pack to the open one, and removes it. Answers the bytes by which the store shrank. Called by one at a time; room for what moves is the caller's care. */
  async reclaim(pack: Pack): Promise<number> {
    const { ledger, writer } = this.#parts;
    if (ledger.packs.get(pack.packId) !== pack) return 0;
    if (writer.openPackId === pack.packId) await writer.seal();
    const beforeBytes = ledger.storedBytes;
    if (pack.chunkCount > 0) await moveKept(pack, { ...this.#parts, roomBytes: () => Number.POSITIVE_INFINITY, keeps: () => true });
    await removePack(pack, this.#parts, () => pack.chunkCount === 0);
    return Math.max(0, beforeBytes - ledger.storedBytes);
  }

  async #allRawBytes(pack: Pack): Promise<number> {
    const known = this.#rawBytes.get(pack.packId);
    if (known !== undefined) return known;
    let bytes = 0;
    const { lengthBytes, sealed } = pack;
    try {
      await this.#parts.handles.use(pack.packId, async (handle) => {
        for await (const { header } of scanPack(handle, lengthBytes)) bytes += header?.rawBytes ?? 0;
      });
    } catch (error) {
      if (!isGone(error)) throw error;
    }
    if (sealed) this.#rawBytes.set(pack.packId, bytes);
    return bytes;
  }
}
