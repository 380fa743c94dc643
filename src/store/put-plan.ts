/** Which frames of a put are worth storing: a pure decision that all stores share. */
import type { Digest } from '../chunking/digest.ts';
import type { PutResult } from './chunk-store.ts';
import type { VerifiedFrame } from './verify-frames.ts';

export interface PutPlan {
  readonly frames: readonly VerifiedFrame[];
  readonly result: PutResult;
}

/**
 * A frame is stored when any of its chunks is new, and then whole: it stays one sequential read, and its bytes stay those that came.
 * Chunks in it that were known then have two copies, and the index names the newer one: eviction takes old packs first.
 */
export function planPut(frames: readonly VerifiedFrame[], isStored: (digest: Digest) => boolean): PutPlan {
  const staged = new Set<Digest>();
  const novel: VerifiedFrame[] = [];
  let newRawBytes = 0;
  let newStoredBytes = 0;
  for (const frame of frames) {
    const fresh = frame.header.chunks.filter((chunk) => !staged.has(chunk.digest) && !isStored(chunk.digest));
    if (fresh.length === 0) continue;
    for (const chunk of fresh) {
      staged.add(chunk.digest);
      newRawBytes += chunk.bytes;
    }
    novel.push(frame);
    newStoredBytes += frame.bytes.byteLength;
  }
  return { frames: novel, result: { newChunkCount: staged.size, newRawBytes, newStoredBytes } };
}
