/**
 * One fetch of frames over the WAN: several ranges at a time, frames handed on as they arrive. A range is started only when the
 * window has room for all of it, and then read to its end whatever the consumer does: memory is bounded by the window, and no
 * consumer that pauses can hold a connection, or a frame, that another one waits for.
 */
import { BranchcastError, throwIfAborted } from '../base/errors.ts';
import { LOCATE_DIGESTS, RANGE_BYTES_TARGET, WAN_RANGES_MAX, WAN_WINDOW_BYTES } from '../base/limits/wan.ts';
import type { Digest } from '../chunking/digest.ts';
import { frameKey } from '../store/chunk-store.ts';
import type { CoreClient } from './core-client.ts';
import { fetchAlone, fetchRange, type FetchContext } from './fetch-tasks.ts';
import type { FrameExchange, FrameTaker } from './frame-exchange.ts';
import type { WantedFrame } from './frame-list.ts';
import { coalesce, digestsOf, planRanges } from './range-plan.ts';

interface Task {
  /** What it may put into memory: exact for ranges, raw bytes for chunks that travel alone. */
  readonly bytes: number;
  run(context: FetchContext): Promise<void>;
}

interface OpenFrame {
  /** What all batches want of it together. */
  readonly frame: WantedFrame;
  readonly digests: readonly Digest[];
}

/** Frames that hold the wanted chunks, in no order. Chunks that the core lacks do not come. */
export async function* fetchFramesOf(client: CoreClient, exchange: FrameExchange, digests: readonly Digest[], signal: AbortSignal): AsyncGenerator<Uint8Array, void, undefined> {
  const abort = new AbortController();
  const fetch = new FrameFetch(client, exchange, AbortSignal.any([signal, abort.signal]));
  const done = fetch.run(digests);
  // It may fail while frames are still being taken; it is awaited after them.
  done.catch(() => undefined);
  try {
    yield* fetch.frames();
    await done;
  } finally {
    abort.abort(new BranchcastError('BC_CANCELLED', 'nobody waits for these chunks any more'));
    await done.catch(() => undefined);
  }
}

class FrameFetch implements FrameTaker {
  readonly #client: CoreClient;
  readonly #exchange: FrameExchange;
  readonly #failed = new AbortController();
  readonly #signal: AbortSignal;
  /** Frames that were located and have not come. */
  readonly #open = new Map<string, OpenFrame>();
  /** Frames that came whole: a later batch that wants more of them has it. */
  readonly #came = new Set<string>();
  readonly #ready: Uint8Array[] = [];
  readonly #tasks = new Set<Promise<void>>();
  /** Bytes that started tasks may still bring, and bytes that wait in #ready. */
  #windowBytes = 0;
  #ended = false;
  #wake = Promise.withResolvers<void>();

  constructor(client: CoreClient, exchange: FrameExchange, signal: AbortSignal) {
    this.#client = client;
    this.#exchange = exchange;
    this.#signal = AbortSignal.any([signal, this.#failed.signal]);
    this.#signal.addEventListener('abort', () => this.#notify(), { once: true });
  }

  /** Resolves when everything has come that there is; rejects with the first failure, after all tasks have ended. */
  async run(digests: readonly Digest[]): Promise<void> {
    try {
      for (let at = 0; at < digests.length; at += LOCATE_DIGESTS) await this.#startRanges(digests.slice(at, at + LOCATE_DIGESTS));
      // What others fetch for us, and what nobody wants enough of, comes last: by then more may want the same frames.
      while (this.#open.size > 0) {
        await Promise.all(this.#tasks);
        throwIfAborted(this.#signal);
        await this.#startRest();
      }
    } catch (error) {
      this.#failed.abort(error);
    }
    await Promise.all(this.#tasks);
    for (const { frame } of this.#open.values()) this.#exchange.leave(this, frame);
    this.#ended = true;
    this.#notify();
    throwIfAborted(this.#signal);
  }

  async *frames(): AsyncGenerator<Uint8Array, void, undefined> {
    for (;;) {
      const frame = this.#ready.shift();
      if (frame !== undefined) {
        // Who takes it may have given its memory back by the time they ask for the next.
        const { byteLength } = frame;
        yield frame;
        this.#windowBytes -= byteLength;
        this.#notify();
      } else if (this.#ended) {
        return;
      } else {
        await this.#wake.promise;
      }
    }
  }

  offer(frame: WantedFrame, bytes: Uint8Array): boolean {
    if (this.#windowBytes + bytes.byteLength > WAN_WINDOW_BYTES || this.#signal.aborted || !this.#open.delete(frameKey(frame))) return false;
    this.#came.add(frameKey(frame));
    this.#windowBytes += bytes.byteLength;
    // Whoever gets a frame may give its memory back.
    this.#ready.push(new Uint8Array(bytes));
    this.#notify();
    return true;
  }

  /** Locates a batch and starts ranges of the frames that are worth to travel whole. */
  async #startRanges(batch: readonly Digest[]): Promise<void> {
    const located = await this.#client.locate(batch, { signal: this.#signal });
    const frames = located.filter((frame) => !this.#came.has(frameKey(frame))).map((frame) => this.#want(frame, digestsOf(frame, batch)));
    for (const range of planRanges(frames, (frame) => this.#exchange.isWorthWhole(frame)).ranges) {
      await this.#start({ bytes: range.endBytes - range.startBytes, run: (context) => this.#fetchWhole(range.frames, context) });
    }
  }

  /** A frame on the border of two batches is wanted by both: what they want of it is one. */
  #want(located: WantedFrame, digests: readonly Digest[]): WantedFrame {
    const before = this.#open.get(frameKey(located));
    const frame = before === undefined ? located : { ...located, wantedRawBytes: before.frame.wantedRawBytes + located.wantedRawBytes };
    this.#open.set(frameKey(frame), { frame, digests: [...(before?.digests ?? []), ...digests] });
    this.#exchange.join(this, frame);
    return frame;
  }

  /** Frames that are still open after all ranges: those that together are wanted enough whole, the others chunk by chunk. */
  async #startRest(): Promise<void> {
    let group: WantedFrame[] = [];
    const startGroup = async (): Promise<void> => {
      const frames = group;
      group = [];
      if (frames.length > 0) await this.#start({ bytes: sumWantedBytes(frames), run: (context) => this.#fetchChunksOf(frames, context) });
    };
    for (const { frame } of this.#open.values()) {
      await this.#exchange.settled(frame);
      if (!this.#open.has(frameKey(frame))) continue;
      if (this.#exchange.isWorthWhole(frame)) {
        await this.#start({ bytes: frame.storedBytes, run: (context) => this.#fetchWhole([frame], context) });
        continue;
      }
      if (sumWantedBytes(group) + frame.wantedRawBytes > RANGE_BYTES_TARGET) await startGroup();
      group.push(frame);
    }
    await startGroup();
  }

  /** Fetches those of the frames that have not come and that nobody else fetches. */
  async #fetchWhole(frames: readonly WantedFrame[], context: FetchContext): Promise<void> {
    const left = new Set(frames.filter((frame) => this.#open.has(frameKey(frame)) && this.#exchange.begin(frame)));
    const end = (frame: WantedFrame, bytes: Uint8Array | undefined): void => {
      left.delete(frame);
      if (bytes !== undefined) this.#came.add(frameKey(frame));
      // Of a frame whose chunks came by themselves, a batch that was located meanwhile still wants its own.
      if (bytes !== undefined || this.#open.get(frameKey(frame))?.frame === frame) this.#close(frame);
      this.#exchange.end(this, frame, bytes);
    };
    const deliver = (bytes: Uint8Array, frame?: WantedFrame): void => {
      context.deliver(bytes);
      if (frame !== undefined) end(frame, bytes);
    };
    try {
      // What others fetch leaves holes, so this can be several ranges.
      for (const range of coalesce([...left])) await fetchRange(range.frames, (frame) => this.#digestsOf(frame), { ...context, deliver });
    } finally {
      for (const frame of left) end(frame, undefined);
    }
  }

  async #fetchChunksOf(frames: readonly WantedFrame[], context: FetchContext): Promise<void> {
    await fetchAlone(frames.flatMap((frame) => this.#digestsOf(frame)), context);
    for (const frame of frames) this.#close(frame);
  }

  /** Waits for room, and starts. Frames that the task delivers beyond its bytes add to the window. */
  async #start(task: Task): Promise<void> {
    while (!this.#hasRoom(task.bytes)) {
      throwIfAborted(this.#signal);
      await this.#wake.promise;
    }
    throwIfAborted(this.#signal);
    let expectedBytes = task.bytes;
    this.#windowBytes += expectedBytes;
    const deliver = (frame: Uint8Array): void => {
      this.#windowBytes += Math.max(0, frame.byteLength - expectedBytes);
      expectedBytes = Math.max(0, expectedBytes - frame.byteLength);
      this.#ready.push(frame);
      this.#notify();
    };
    const running = task
      .run({ client: this.#client, signal: this.#signal, deliver })
      .catch((error: unknown) => this.#failed.abort(error))
      .finally(() => {
        this.#windowBytes -= expectedBytes;
        this.#tasks.delete(running);
        this.#notify();
      });
    this.#tasks.add(running);
  }

  #hasRoom(bytes: number): boolean {
    return this.#tasks.size < WAN_RANGES_MAX && (this.#windowBytes === 0 || this.#windowBytes + bytes <= WAN_WINDOW_BYTES);
  }

  #digestsOf(frame: WantedFrame): readonly Digest[] {
    return this.#open.get(frameKey(frame))?.digests ?? [];
  }

  #close(frame: WantedFrame): void {
    this.#open.delete(frameKey(frame));
    this.#exchange.leave(this, frame);
  }

  #notify(): void {
    this.#wake.resolve();
    this.#wake = Promise.withResolvers<void>();
  }
}

function sumWantedBytes(frames: readonly WantedFrame[]): number {
  return frames.reduce((sum, frame) => sum + frame.wantedRawBytes, 0);
}
