/** Saves the few chunks of a pack that is to go. */
import type { Digest } from '../chunking/digest.ts';
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
  /** Whether this chunk is to be saved. */
  readonly keeps: (digest: Digest) => boolean;
}

/**
 * Copies those chunks to keep that the index finds in this pack to the open one, frame by frame. False if the quota does not leave
 * the room; what was copied until then stays copied.
 */
export async function moveKept(pack: Pack, parts: CompactionParts): Promise<boolean> {
  const { ledger, handles, reader, writer, keeps } = parts;
  const builder = new FrameBuilder();
  const append = async (bytes: Uint8Array | undefined): Promise<boolean> => {
    if (bytes === undefined) return true;
    if (writer.bytesFor([bytes]) > parts.roomBytes()) return false;
    await writer.append([{ bytes, header: parseFrameHeader(bytes) as FrameHeader }]);
    return true;
  };
  const work = handles.use(pack.packId, async (handle) => {
    for await (const { offsetBytes, storedBytes, header } of scanPack(handle, pack.lengthBytes)) {
      const kept = new Set(header?.chunks.map((chunk) => chunk.digest).filter((digest) => {
        const location = ledger.find(digest);
        return location?.packId === pack.packId && location.offsetBytes === offsetBytes && keeps(digest);
      }));
      if (header === undefined || kept.size === 0) continue;
      const location: FrameLocation = { packId: pack.packId, offsetBytes, storedBytes, rawBytes: header.rawBytes };
      try {
        const frame = await reader.read(location);
        if (frame !== undefined && kept.size === header.chunks.length) {
          // As it is: it may be denser than one made here.
          if (!(await append(frame))) return false;
          continue;
        }
        for (const chunk of frame === undefined ? [] : decodeFrame(frame, { only: kept })) if (!(await append(builder.add(chunk)))) return false;
      } catch (error) {
        if (!isRot(error)) throw error;
        // Nothing can keep what has rotted.
        await ledger.apply([...kept].map((digest) => ledger.change(digest, undefined)), []);
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
