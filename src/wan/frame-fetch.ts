/**
 * One fetch of frames over the WAN: several ranges at a time, frames handed on as they arrive. A range is started only when the
 * window has room for all of it, and then read to its end whatever the consumer does: memory is bounded by the window, and no
 * consumer that pauses can hold a connection that another one waits for.
 */
import { BranchcastError } from '../base/errors.ts';
import { RANGE_BYTES_TARGET, WAN_RANGES_MAX, WAN_WINDOW_BYTES } from '../base/limits.ts';
import type { Digest } from '../chunking/digest.ts';
import type { CoreClient } from './core-client.ts';
import { fetchAlone, fetchRange, type FetchContext } from './fetch-tasks.ts';
import type { WantedFrame } from './frame-list.ts';
import { digestsOf, planRanges } from './range-plan.ts';

/** Digests in one question where chunks are: the answer comes soon, and the next is asked while ranges flow. */
const LOCATE_DIGESTS = 2048;

interface Task {
  /** What it may put into memory: exact for ranges, raw bytes for chunks that travel alone. */
  readonly bytes: number;
  run(context: FetchContext): Promise<void>;
}

/** Frames that hold the wanted chunks, in no order. Chunks that the core lacks do not come. */
export async function* fetchFramesOf(client: CoreClient, digests: readonly Digest[], signal: AbortSignal): AsyncGenerator<Uint8Array, void, undefined> {
  const abort = new AbortController();
  const run = new FetchRun(client, AbortSignal.any([signal, abort.signal]));
  const done = run.start(digests);
  try {
    yield* run.frames();
    await done;
  } finally {
    abort.abort(new BranchcastError('BC_CANCELLED', 'nobody waits for these chunks any more'));
    await done.catch(() => undefined);
  }
}

class FetchRun {
  readonly #client: CoreClient;
  readonly #signal: AbortSignal;
  readonly #ready: Uint8Array[] = [];
  readonly #tasks = new Set<Promise<void>>();
  /** Bytes that started tasks may still bring, and bytes that wait in #ready. */
  #windowBytes = 0;
  #ended = false;
  #wake = Promise.withResolvers<void>();

  constructor(client: CoreClient, signal: AbortSignal) {
    this.#client = client;
    this.#signal = signal;
    signal.addEventListener('abort', () => this.#notify(), { once: true });
  }

  /** Resolves when every task has run; rejects with the first failure, after the others have stopped. */
  async start(digests: readonly Digest[]): Promise<void> {
    let failure: unknown;
    const failed = new AbortController();
    const signal = AbortSignal.any([this.#signal, failed.signal]);
    const fail = (error: unknown): void => {
      failure ??= error;
      failed.abort(error);
      this.#notify();
    };
    try {
      for await (const task of planTasks(this.#client, digests, signal)) {
        while (!this.#hasRoom(task) && !signal.aborted) await this.#wake.promise;
        if (signal.aborted) break;
        const running = this.#run(task, signal).catch(fail).finally(() => {
          this.#tasks.delete(running);
          this.#notify();
        });
        this.#tasks.add(running);
      }
    } catch (error) {
      fail(error);
    }
    await Promise.all(this.#tasks);
    this.#ended = true;
    this.#notify();
    if (failure !== undefined) throw failure;
    this.#signal.throwIfAborted();
  }

  async *frames(): AsyncGenerator<Uint8Array, void, undefined> {
    for (;;) {
      const frame = this.#ready.shift();
      if (frame !== undefined) {
        yield frame;
        this.#windowBytes -= frame.byteLength;
        this.#notify();
      } else if (this.#ended) {
        return;
      } else {
        await this.#wake.promise;
      }
    }
  }

  async #run(task: Task, signal: AbortSignal): Promise<void> {
    let expectedBytes = task.bytes;
    this.#windowBytes += expectedBytes;
    const deliver = (frame: Uint8Array): void => {
      // Beyond what was expected it adds to the window.
      this.#windowBytes += Math.max(0, frame.byteLength - expectedBytes);
      expectedBytes = Math.max(0, expectedBytes - frame.byteLength);
      this.#ready.push(frame);
      this.#notify();
    };
    try {
      await task.run({ client: this.#client, signal, deliver });
    } finally {
      this.#windowBytes -= expectedBytes;
    }
  }

  #hasRoom(task: Task): boolean {
    return this.#tasks.size < WAN_RANGES_MAX && (this.#windowBytes === 0 || this.#windowBytes + task.bytes <= WAN_WINDOW_BYTES);
  }

  #notify(): void {
    this.#wake.resolve();
    this.#wake = Promise.withResolvers<void>();
  }
}

async function* planTasks(client: CoreClient, digests: readonly Digest[], signal: AbortSignal): AsyncGenerator<Task, void, undefined> {
  for (let at = 0; at < digests.length; at += LOCATE_DIGESTS) {
    const batch = digests.slice(at, at + LOCATE_DIGESTS);
    const { ranges, alone } = planRanges(await client.locate(batch, { signal }));
    const digestsIn = (frame: WantedFrame): Digest[] => digestsOf(frame, batch);
    for (const { frames, startBytes, endBytes } of ranges) {
      yield { bytes: endBytes - startBytes, run: (context) => fetchRange(frames, digestsIn, context) };
    }
    for (const frames of inGroups(alone)) {
      yield { bytes: sumRawBytes(frames), run: (context) => fetchAlone(frames.flatMap(digestsIn), context) };
    }
  }
}

/** Frames whose wanted chunks together make one request of chunks. */
function* inGroups(frames: readonly WantedFrame[]): Generator<WantedFrame[], void, undefined> {
  let group: WantedFrame[] = [];
  for (const frame of frames) {
    if (group.length > 0 && sumRawBytes(group) + frame.wantedRawBytes > RANGE_BYTES_TARGET) {
      yield group;
      group = [];
    }
    group.push(frame);
  }
  if (group.length > 0) yield group;
}

function sumRawBytes(frames: readonly WantedFrame[]): number {
  return frames.reduce((sum, frame) => sum + frame.wantedRawBytes, 0);
}
