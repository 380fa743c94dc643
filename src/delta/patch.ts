/** New bytes made of old ones and what differs (docs/formats.md, "Differences"). Nothing of it is believed. Pure. */
import { fromZigzag, VarintReader } from '../base/varint.ts';
import type { Differences } from './align-kernel.ts';
import { malformedDelta } from './delta-header.ts';

/** Throws BC_FRAME_MALFORMED if the differences do not make exactly `rawBytes` bytes, of every byte of theirs. */
export function patch(base: Uint8Array, { control, gaps, changes, extra }: Differences, rawBytes: number): Uint8Array {
  const raw = new Uint8Array(rawBytes);
  const steps = new VarintReader(control);
  const changer = new Changer(gaps, changes);
  let at = 0;
  let extraAt = 0;
  for (let old = 0; ; ) {
    const copyBytes = steps.next();
    const extraBytes = steps.next();
    if (!(copyBytes <= base.byteLength - old && copyBytes + extraBytes <= rawBytes - at && extraBytes <= extra.byteLength - extraAt)) throw malformedDelta('a step of its differences leaves what there is');
    raw.set(base.subarray(old, old + copyBytes), at);
    changer.change(raw, at, at + copyBytes);
    raw.set(extra.subarray(extraAt, extraAt + extraBytes), at + copyBytes);
    at += copyBytes + extraBytes;
    extraAt += extraBytes;
    if (steps.isAtEnd) break;
    old += copyBytes + fromZigzag(steps.next());
    if (!(old >= 0 && old <= base.byteLength)) throw malformedDelta('its differences are to bytes that its base does not have');
  }
  if (at !== rawBytes || extraAt !== extra.byteLength || !changer.isAtEnd) throw malformedDelta(`its differences make ${at} of ${rawBytes} bytes`);
  return raw;
}

/** Adds the changes to bytes that were copied; gaps between changes are counted in copied bytes alone. */
class Changer {
  readonly #gaps: VarintReader;
  readonly #changes: Uint8Array;
  #changesAt = 0;
  /** Copied bytes until the next change, and changes from there on. */
  #gapBytes = 0;
  #changeBytes = 0;

  constructor(gaps: Uint8Array, changes: Uint8Array) {
    this.#gaps = new VarintReader(gaps);
    this.#changes = changes;
    this.#next();
  }

  get isAtEnd(): boolean {
    return this.#changesAt === this.#changes.byteLength && this.#gaps.isAtEnd && this.#changeBytes === 0;
  }

  change(raw: Uint8Array, from: number, to: number): void {
    for (let at = from; ; ) {
      if (this.#gapBytes >= to - at) {
        this.#gapBytes -= to - at;
        return;
      }
      at += this.#gapBytes;
      this.#gapBytes = 0;
      const end = Math.min(to, at + this.#changeBytes);
      this.#changeBytes -= end - at;
      for (; at < end; at += 1) raw[at] = (raw[at] as number) + (this.#changes[this.#changesAt++] as number);
      if (this.#changeBytes === 0) this.#next();
    }
  }

  #next(): void {
    if (this.#gaps.isAtEnd) {
      this.#gapBytes = Infinity;
      return;
    }
    this.#gapBytes = this.#gaps.next();
    this.#changeBytes = this.#gaps.next();
    if (!(this.#gapBytes >= 0 && this.#changeBytes >= 1 && this.#changeBytes <= this.#changes.byteLength - this.#changesAt)) throw malformedDelta('its changes do not come to as many as it says');
  }
}
