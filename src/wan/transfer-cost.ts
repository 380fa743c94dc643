/** What it costs to fetch chunks from the core, before it is done: where they are, and what the fetch of frame-fetch.ts would read of that. */
import { LOCATE_DIGESTS } from '../base/limits/wan.ts';
import type { Digest } from '../chunking/digest.ts';
import { frameKey } from '../store/chunk-store.ts';
import type { CoreClient } from './core-client.ts';
import type { CallOptions } from './http-transport.ts';
import type { WantedFrame } from './frame-list.ts';
import { planRanges } from './range-plan.ts';

export interface TransferCost {
  /** Chunks that the core does not hold. */
  readonly missingCount: number;
  /** The chunks' share of their frames as they are stored. An estimate, since chunks of a frame compress differently. */
  readonly storedShareBytes: number;
  /** Frames that travel whole, as they stand in packs, and the ranges that hold them: their bytes are exact. */
  readonly frameCount: number;
  readonly rangeCount: number;
  readonly rangeBytes: number;
  /** Chunks that travel without the rest of their frame, and an estimate of what they weigh. */
  readonly aloneCount: number;
  readonly aloneBytes: number;
}

export interface TransferCostOptions extends CallOptions {
  /** Of a chunk, by its place among the digests: stored bytes of its frame for each byte of a chunk in it. Not called for what the core does not hold. */
  readonly onChunk?: (index: number, storedPerByte: number) => void;
}

/** `digests`: each once, in the layer's canonical order, as a pull wants them. */
export async function transferCost(client: CoreClient, digests: readonly Digest[], { onChunk, ...options }: TransferCostOptions = {}): Promise<TransferCost> {
  const cost = { missingCount: digests.length, storedShareBytes: 0, frameCount: 0, rangeCount: 0, rangeBytes: 0, aloneCount: 0, aloneBytes: 0 };
  const fetched = new Set<string>();
  for (let at = 0; at < digests.length; at += LOCATE_DIGESTS) {
    const frames = await client.locate(digests.slice(at, at + LOCATE_DIGESTS), options);
    for (const frame of frames) {
      cost.missingCount -= frame.wanted.length;
      cost.storedShareBytes += shareOf(frame);
      for (const index of frame.wanted) onChunk?.(at + index, frame.storedBytes / Math.max(frame.rawBytes, 1));
    }
    // A frame on the border of two batches travels once.
    const { ranges, alone } = planRanges(frames.filter((frame) => !fetched.has(frameKey(frame))));
    for (const { startBytes, endBytes, frames: whole } of ranges) {
      cost.rangeCount += 1;
      cost.rangeBytes += endBytes - startBytes;
      cost.frameCount += whole.length;
      for (const frame of whole) fetched.add(frameKey(frame));
    }
    for (const frame of alone) {
      cost.aloneCount += frame.wanted.length;
      cost.aloneBytes += shareOf(frame);
    }
  }
  return { ...cost, storedShareBytes: Math.round(cost.storedShareBytes), aloneBytes: Math.round(cost.aloneBytes) };
}

function shareOf({ storedBytes, rawBytes, wantedRawBytes }: WantedFrame): number {
  return rawBytes === 0 ? 0 : (storedBytes * wantedRawBytes) / rawBytes;
}
