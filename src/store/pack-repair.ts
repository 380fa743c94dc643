/** Drops what has rotted from the index, so that the next fetch heals it. The bytes stay in their pack, where nothing names them. */
import type { Digest } from '../chunking/digest.ts';
import type { ChunkLedger } from './chunk-ledger.ts';
import type { FrameLocation } from './chunk-store.ts';
import { parseFrameHeader } from './frame-header.ts';
import { isGone, readAt, type PackHandles } from './pack-handles.ts';

/** Drops the chunks that the index finds in this frame. Called by one at a time. Returns their digests. */
export async function dropFrame(ledger: ChunkLedger, handles: PackHandles, location: FrameLocation): Promise<Digest[]> {
  const { packId, offsetBytes, storedBytes } = location;
  if (!ledger.packs.has(packId)) return [];
  const frame = await handles.use(packId, (handle) => readAt(handle, offsetBytes, storedBytes)).catch((error: unknown) => {
    if (!isGone(error)) throw error;
    return new Uint8Array(0);
  });
  const digests = (tableOf(frame) ?? (await ledger.digestsIn(packId, offsetBytes))).filter((digest) => {
    const found = ledger.find(digest);
    return found?.packId === packId && found.offsetBytes === offsetBytes;
  });
  await ledger.apply(digests.map((digest) => ledger.change(digest, undefined)), []);
  return digests;
}

/** undefined: the table itself has rotted. */
function tableOf(frame: Uint8Array): Digest[] | undefined {
  try {
    return parseFrameHeader(frame)?.chunks.map((chunk) => chunk.digest);
  } catch {
    return undefined;
  }
}
