/** The last frames that were decompressed, so that reading a frame's chunks one after the other costs one read. */
import type { Digest } from '../chunking/digest.ts';

/** Verified chunks of one frame. */
export type DecodedFrame = ReadonlyMap<Digest, Uint8Array>;

interface Slot {
  readonly frame: Promise<DecodedFrame | undefined>;
  readonly rawBytes: number;
}

export class FrameCache {
  readonly #bytesMax: number;
  /** Least recently used first. */
  readonly #slots = new Map<string, Slot>();
  #bytes = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** The frame under this key, decoded once for all who ask meanwhile. Failures and absent frames are not kept. */
  get(key: string, rawBytes: number, decode: () => Promise<DecodedFrame | undefined>): Promise<DecodedFrame | undefined> {
    const known = this.#slots.get(key);
    if (known !== undefined) {
      this.#slots.delete(key);
      this.#slots.set(key, known);
      return known.frame;
    }
    const slot: Slot = { frame: decode(), rawBytes };
    this.#slots.set(key, slot);
    this.#bytes += rawBytes;
    slot.frame.then((frame) => frame === undefined && this.#drop(key, slot), () => this.#drop(key, slot));
    for (const [oldKey, old] of this.#slots) {
      if (this.#bytes <= this.#bytesMax) break;
      this.#drop(oldKey, old);
    }
    return slot.frame;
  }

  #drop(key: string, slot: Slot): void {
    if (this.#slots.get(key) !== slot) return;
    this.#slots.delete(key);
    this.#bytes -= slot.rawBytes;
  }
}
