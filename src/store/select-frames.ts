/** Frames that together hold the wanted chunks, and little else: what a store answers to one who lacks them. */
import { throwIfAborted } from '../base/errors.ts';
import type { Digest } from '../chunking/digest.ts';
import { frameKey, type ChunkLocation, type ChunkStore } from './chunk-store.ts';
import { FrameCollector } from './frame-builder.ts';
import { ifRotten } from './store-errors.ts';
import { storeWorkers } from './store-workers.ts';

/** From this share of a frame's raw bytes on it travels as it is: no work here, and the same bytes everywhere. */
const WHOLE_FRAME_SHARE = 0.5;
/** Wanted chunks are located so many at a time, lest a long list block the process. */
const LOCATE_BATCH = 4096;

interface WantedFrame {
  readonly location: ChunkLocation;
  readonly digests: Set<Digest>;
  wantedBytes: number;
}

/**
 * Yields stored frames, and new frames of just the wanted chunks where a stored one has too little of them, in the order in which their first
 * chunk is wanted. Chunks that are not stored are left out, and so is what is evicted or found rotten underway. Holds one frame and the one that it builds.
 */
export async function* selectFrames(store: ChunkStore, wanted: readonly Digest[], signal?: AbortSignal): AsyncGenerator<Uint8Array, void, undefined> {
  const collector = new FrameCollector();
  const workers = storeWorkers();
  for (let start = 0; start < wanted.length; start += LOCATE_BATCH) {
    for (const frame of groupByFrame(store, wanted.slice(start, start + LOCATE_BATCH))) {
      throwIfAborted(signal);
      const mostly = frame.wantedBytes >= frame.location.rawBytes * WHOLE_FRAME_SHARE;
      const stored = mostly ? await store.readFrame(frame.location).catch(ifRotten) : undefined;
      if (stored !== undefined) {
        yield stored;
        continue;
      }
      for (const digest of frame.digests) {
        const bytes = await store.get(digest).catch(ifRotten);
        // A copy: the chunk is a view of its whole decompressed frame, which need not stay in memory for it.
        const full = bytes === undefined ? undefined : collector.add({ digest, bytes: new Uint8Array(bytes) });
        if (full !== undefined) yield await workers.encodeChunks(full);
      }
    }
  }
  throwIfAborted(signal);
  const last = collector.finish();
  if (last !== undefined) yield await workers.encodeChunks(last);
}

function groupByFrame(store: ChunkStore, digests: readonly Digest[]): Iterable<WantedFrame> {
  const frames = new Map<string, WantedFrame>();
  for (const [i, location] of store.locate(digests).entries()) {
    if (location === undefined) continue;
    const key = frameKey(location);
    const frame = frames.get(key) ?? { location, digests: new Set(), wantedBytes: 0 };
    const digest = digests[i] as Digest;
    if (!frame.digests.has(digest)) frame.wantedBytes += location.chunkBytes;
    frame.digests.add(digest);
    frames.set(key, frame);
  }
  return frames.values();
}
