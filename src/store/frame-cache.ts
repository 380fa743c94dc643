/**
 * The last frames that were read, as stored or decompressed: reading a frame's chunks one after the other costs one read, and
 * so does a frame that all endpoints of a site want at about the same time.
 */
interface Slot<T> {
  readonly frame: Promise<T | undefined>;
  readonly bytes: number;
}

export class FrameCache<T> {
  readonly #bytesMax: number;
  /** Least recently used first. */
  readonly #slots = new Map<string, Slot<T>>();
  #bytes = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** The frame under this key, which counts as `bytes`, read once for all who ask meanwhile. Failures and absent frames are not kept. */
  get(key: string, bytes: number, read: () => Promise<T | undefined>): Promise<T | undefined> {
    const known = this.#slots.get(key);
    if (known !== undefined) {
      this.#slots.delete(key);
      this.#slots.set(key, known);
      return known.frame;
    }
    const slot: Slot<T> = { frame: read(), bytes };
    this.#slots.set(key, slot);
    this.#bytes += bytes;
    slot.frame.then((frame) => frame === undefined && this.#drop(key, slot), () => this.#drop(key, slot));
    for (const [oldKey, old] of this.#slots) {
      if (this.#bytes <= this.#bytesMax) break;
      this.#drop(oldKey, old);
    }
    return slot.frame;
  }

  #drop(key: string, slot: Slot<T>): void {
    if (this.#slots.get(key) !== slot) return;
    this.#slots.delete(key);
    this.#bytes -= slot.bytes;
  }
}
