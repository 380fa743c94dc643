/**
 * Chunks that no delta brings, in frames of which deltas bring the rest. A frame travels whole: for the sake of some of its chunks it would
 * bring the others a second time. Where that is much, the ones left are better compressed anew, against nothing. Pure.
 */
import { DELTA_KEPT_SHARE_MAX } from '../base/limits/deltas.ts';
import { frameKey, type ChunkLocation } from '../store/chunk-store.ts';

interface LeftFrame {
  readonly storedBytes: number;
  readonly rawBytes: number;
  leftBytes: number;
}

/** What each of these chunks costs as it is stored, if they alone are to come: its share of what they need of its frame, that is of the whole frame. */
export class LeftoverCosts {
  readonly #frames = new Map<string, LeftFrame>();

  constructor(locations: readonly ChunkLocation[]) {
    for (const location of locations) {
      const frame = this.#frames.get(frameKey(location));
      if (frame === undefined) this.#frames.set(frameKey(location), { storedBytes: location.storedBytes, rawBytes: location.rawBytes, leftBytes: location.chunkBytes });
      else frame.leftBytes += location.chunkBytes;
    }
  }

  /** Bytes over the wire. */
  costOf(location: ChunkLocation): number {
    const { storedBytes, leftBytes } = this.#frameOf(location);
    return (storedBytes * location.chunkBytes) / leftBytes;
  }

  /** Whether compressing it anew may save as much as a delta must. */
  isWorthIt(location: ChunkLocation): boolean {
    const { rawBytes, leftBytes } = this.#frameOf(location);
    return leftBytes <= rawBytes * DELTA_KEPT_SHARE_MAX;
  }

  #frameOf(location: ChunkLocation): LeftFrame {
    return this.#frames.get(frameKey(location)) as LeftFrame;
  }
}
