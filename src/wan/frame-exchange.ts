/**
 * Fetches that run at the same time often want chunks of one frame: the last frame of one batch is the first of the next. Here they
 * share it: a frame that together they want enough of travels whole, once, and is handed to each of them.
 */
import { frameKey } from '../store/chunk-store.ts';
import type { WantedFrame } from './frame-list.ts';
import { isWorthWhole } from './range-plan.ts';

export interface FrameTaker {
  /** Takes a frame that another fetch brought; false if there is no room for it, and then it is still wanted. */
  offer(frame: WantedFrame, bytes: Uint8Array): boolean;
}

interface Shared {
  readonly wanted: Map<FrameTaker, WantedFrame>;
  /** Set while somebody fetches the frame; resolves when that has ended, well or not. */
  underway: PromiseWithResolvers<void> | undefined;
}

export class FrameExchange {
  readonly #frames = new Map<string, Shared>();

  /** `taker` wants chunks of this frame. */
  join(taker: FrameTaker, frame: WantedFrame): void {
    const key = frameKey(frame);
    const shared = this.#frames.get(key) ?? { wanted: new Map(), underway: undefined };
    shared.wanted.set(taker, frame);
    this.#frames.set(key, shared);
  }

  /** `taker` has it, or gave up. May be called twice. */
  leave(taker: FrameTaker, frame: WantedFrame): void {
    const key = frameKey(frame);
    const shared = this.#frames.get(key);
    shared?.wanted.delete(taker);
    if (shared?.wanted.size === 0 && shared.underway === undefined) this.#frames.delete(key);
  }

  /** Whether all who want chunks of the frame want at least half of it together. */
  isWorthWhole(frame: WantedFrame): boolean {
    const wanted = [...(this.#frames.get(frameKey(frame))?.wanted.values() ?? [])];
    return isWorthWhole({ ...frame, wantedRawBytes: wanted.reduce((sum, { wantedRawBytes }) => sum + wantedRawBytes, 0) });
  }

  /** True if nobody fetches the frame now: the caller does, until it calls `end`. */
  begin(frame: WantedFrame): boolean {
    const shared = this.#frames.get(frameKey(frame));
    if (shared === undefined || shared.underway !== undefined) return false;
    shared.underway = Promise.withResolvers();
    return true;
  }

  /** The caller of `begin` has the frame (`bytes`), or could not get it. */
  end(taker: FrameTaker, frame: WantedFrame, bytes: Uint8Array | undefined): void {
    const key = frameKey(frame);
    const shared = this.#frames.get(key);
    if (shared === undefined) return;
    if (bytes !== undefined) {
      for (const [other, wanted] of shared.wanted) if (other !== taker && other.offer(wanted, bytes)) shared.wanted.delete(other);
    }
    shared.underway?.resolve();
    shared.underway = undefined;
    if (shared.wanted.size === 0) this.#frames.delete(key);
  }

  /** Resolves when nobody fetches the frame. */
  async settled(frame: WantedFrame): Promise<void> {
    await this.#frames.get(frameKey(frame))?.underway?.promise;
  }

  /** Frames that somebody wants. */
  get size(): number {
    return this.#frames.size;
  }
}
