/** Saves the few pinned chunks of a pack that is to go. */
import type { ChunkLedger, Pack } from './chunk-ledger.ts';
import type { FrameLocation } from './chunk-store.ts';
import { FrameBuilder } from './frame-builder.ts';
import { decodeFrame } from './frame-decode.ts';
import { parseFrameHeader, type FrameHeader } from './frame-header.ts';
import { isGone, type PackHandles } from './pack-handles.ts';
import type { PackFrameReader } from './pack-reader.ts';
import { scanPack } from './pack-scan.ts';
import type { PackWriter } from './pack-writer.ts';
import { isRot } from './store-errors.ts';

export interface CompactionParts {
  readonly ledger: ChunkLedger;
  readonly handles: PackHandles;
  readonly reader: PackFrameReader;
  readonly writer: PackWriter;
  /** Bytes that the quota still allows. */
  readonly roomBytes: () => number;
}

/**
 * Copies the pinned chunks that the index finds in this pack to the open one, frame by frame. False if the quota does not leave
 * the room; what was copied until then stays copied.
 */
export async function movePinned(pack: Pack, parts: CompactionParts): Promise<boolean> {
  const { ledger, handles, reader, writer } = parts;
  const builder = new FrameBuilder();
  const append = async (bytes: Uint8Array | undefined): Promise<boolean> => {
    if (bytes === undefined) return true;
    if (writer.bytesFor([bytes]) > parts.roomBytes()) return false;
    await writer.append([{ bytes, header: parseFrameHeader(bytes) as FrameHeader }]);
    return true;
  };
  const work = handles.use(pack.packId, async (handle) => {
    for await (const { offsetBytes, storedBytes, header } of scanPack(handle, pack.lengthBytes)) {
      const pinned = new Set(header?.chunks.map((chunk) => chunk.digest).filter((digest) => {
        const location = ledger.find(digest);
        return location?.packId === pack.packId && location.offsetBytes === offsetBytes && ledger.pins.isPinned(digest);
      }));
      if (header === undefined || pinned.size === 0) continue;
      const location: FrameLocation = { packId: pack.packId, offsetBytes, storedBytes, rawBytes: header.rawBytes };
      try {
        const frame = await reader.stored(location);
        for (const chunk of frame === undefined ? [] : decodeFrame(frame, { only: pinned })) if (!(await append(builder.add(chunk)))) return false;
      } catch (error) {
        if (!isRot(error)) throw error;
        // No pin can keep what has rotted.
        await ledger.apply([...pinned].map((digest) => ledger.change(digest, undefined)), []);
      }
    }
    return append(builder.finish());
  });
  return work.catch(async (error: unknown) => {
    if (!isGone(error)) throw error;
    const lost = await ledger.digestsIn(pack.packId);
    await ledger.apply(lost.map((digest) => ledger.change(digest, undefined)), []);
    return true;
  });
}
