/**
 * Which chunks of a layer stand together in a frame that is made for the WAN: a pure decision. Chunks that the same commit used first
 * stand together, in the order of the tree: whoever updates from an older version wants all of such a frame or nothing of it.
 */
import { FRAME_CHUNKS_MAX, FRAME_RAW_BYTES_MAX, FRAME_RAW_BYTES_TARGET, CHUNK_BYTES_MAX } from '../base/limits/frames.ts';
import { REPACK_GENERATIONS_MAX, REPACK_STORED_BYTES_TARGET } from '../base/limits/repacking.ts';
import type { Digest } from '../chunking/digest.ts';
import { frameKey, storedShare, type ChunkLocation, type FrameLocation } from '../store/chunk-store.ts';

export interface PlannedChunk {
  readonly digest: Digest;
  /** Sequence number of the commit that used it first. */
  readonly generation: number;
  readonly location: ChunkLocation;
}

export interface PlannedFrame {
  readonly digests: readonly Digest[];
  readonly rawBytes: number;
  /** What these chunks take in the frames where they stand now, by their share of them. */
  readonly storedBytes: number;
}

interface OpenFrame {
  digests: Digest[];
  rawBytes: number;
  storedBytes: number;
}

/** Of a frame that was made for the WAN, so much must be of the layer: else what else is in it travels for nothing. */
const WANTED_SHARE_MIN = 0.75;
/** What compressed less than this the first time is left alone. */
const COMPRESSIBLE_SHARE_MAX = 0.97;

/** How much of each frame made for the WAN a layer wants. */
export class FrameUse {
  readonly #wantedBytes = new Map<string, number>();

  add(location: ChunkLocation): void {
    if (!isLong(location)) return;
    const key = frameKey(location);
    this.#wantedBytes.set(key, (this.#wantedBytes.get(key) ?? 0) + location.chunkBytes);
  }

  /** Whether a chunk there can stay: its frame is long, and the layer wants most of it. */
  isWellPlaced(location: FrameLocation): boolean {
    return isLong(location) && (this.#wantedBytes.get(frameKey(location)) ?? 0) >= location.rawBytes * WANTED_SHARE_MIN;
  }
}

export class RepackPlan {
  readonly #use: FrameUse;
  /** The oldest first. */
  readonly #open = new Map<number, OpenFrame>();

  constructor(use: FrameUse) {
    this.#use = use;
  }

  /** Frames that are complete with this chunk. Chunks come in the order of the tree. */
  *add({ digest, generation, location }: PlannedChunk): Generator<PlannedFrame, void, undefined> {
    if (this.#use.isWellPlaced(location) || location.storedBytes > location.rawBytes * COMPRESSIBLE_SHARE_MAX) return;
    const open = this.#open.get(generation);
    if (open !== undefined && isFull(open, location)) {
      this.#open.delete(generation);
      yield open;
    }
    const frame = this.#open.get(generation) ?? { digests: [], rawBytes: 0, storedBytes: 0 };
    frame.digests.push(digest);
    frame.rawBytes += location.chunkBytes;
    frame.storedBytes += storedShare(location);
    this.#open.set(generation, frame);
    for (const [oldest, waiting] of this.#open) {
      if (this.#open.size <= REPACK_GENERATIONS_MAX) break;
      this.#open.delete(oldest);
      yield waiting;
    }
  }

  *finish(): Generator<PlannedFrame, void, undefined> {
    yield* this.#open.values();
    this.#open.clear();
  }
}

/** By what the chunks take now: all bounds on memory for frames on their way count frames of about one target. */
function isFull(frame: OpenFrame, next: ChunkLocation): boolean {
  return frame.rawBytes + next.chunkBytes > FRAME_RAW_BYTES_MAX || frame.storedBytes + storedShare(next) > REPACK_STORED_BYTES_TARGET || frame.digests.length === FRAME_CHUNKS_MAX;
}

/** Longer than a publish makes frames. */
function isLong({ rawBytes }: FrameLocation): boolean {
  return rawBytes > FRAME_RAW_BYTES_TARGET + CHUNK_BYTES_MAX;
}
