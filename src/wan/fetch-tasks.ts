/** Fetches one range of a pack, or some chunks by themselves, through whatever the WAN does on the way: resume is by frame and by chunk. */
import { asBranchcastError, hasCode, throwIfAborted, type BranchcastError, type ErrorCode } from '../base/errors.ts';
import { WAN_RETRIES_MAX } from '../base/limits/wan.ts';
import type { Digest } from '../chunking/digest.ts';
import { checkFrame } from '../store/frame-decode.ts';
import { isTransient } from './backoff.ts';
import type { CoreClient } from './core-client.ts';
import type { WantedFrame } from './frame-list.ts';
import { rangeOf } from './range-plan.ts';

/** Tries of one frame that break off or come out malformed, before its chunks are asked for by themselves. */
const BAD_TRIES_MAX = 2;

/** The core says that the bytes are not there: moved, cut off, rotten. */
const PACK_IS_NO_USE: ReadonlySet<ErrorCode> = new Set(['BC_PACK_NOT_FOUND', 'BC_RANGE_UNSATISFIABLE', 'BC_STORE_DAMAGED', 'BC_CHUNK_CORRUPT']);

export interface FetchContext {
  readonly client: CoreClient;
  readonly signal: AbortSignal;
  /** Takes a frame that passed its checksums; `location` is where it stands, if the core did not make it for this answer. */
  deliver(frame: Uint8Array, location?: WantedFrame): void;
}

/**
 * The frames of one range, in order; `digestsOf` names the wanted chunks of each. A broken range goes on at the first frame that is missing; the retry budget counts from the last frame
 * that came. A frame that cannot be had from its pack (cut off, rotten, moved) is asked for as chunks, which the core reads verified.
 */
export async function fetchRange(frames: readonly WantedFrame[], digestsOf: (frame: WantedFrame) => readonly Digest[], context: FetchContext): Promise<void> {
  let left = frames;
  let retries = 0;
  let badTries = 0;
  while (left[0] !== undefined) {
    const first = left[0];
    try {
      const { packId, startBytes, endBytes } = rangeOf(left);
      const bytes = context.client.readPack(packId, startBytes, endBytes, { signal: context.signal, retriesMax: 0 });
      for await (const frame of cutFrames(bytes, left)) {
        checkFrame(frame);
        context.deliver(frame, left[0]);
        left = left.slice(1);
        retries = 0;
        badTries = 0;
      }
    } catch (thrown) {
      throwIfAborted(context.signal);
      const error = asBranchcastError(thrown);
      const cameFurther = left[0] !== first;
      if (cameFurther) continue;
      if (isBad(error)) badTries += 1;
      if (PACK_IS_NO_USE.has(error.code) || badTries >= BAD_TRIES_MAX) {
        await fetchAlone(digestsOf(first), context);
        left = left.slice(1);
        retries = 0;
        badTries = 0;
      } else {
        await pauseOrThrow(error, retries, context);
        retries += 1;
      }
    }
  }
}

/** Frames made for these chunks. Those that do not come are not stored, or not any more. */
export async function fetchAlone(digests: readonly Digest[], context: FetchContext): Promise<void> {
  const left = new Set(digests);
  for (let retries = 0, badTries = 0; left.size > 0; ) {
    const before = left.size;
    try {
      for await (const frame of context.client.fetchChunks([...left], { signal: context.signal, retriesMax: 0 })) {
        for (const chunk of checkFrame(frame).chunks) left.delete(chunk.digest);
        context.deliver(frame);
      }
      return;
    } catch (thrown) {
      throwIfAborted(context.signal);
      const error = asBranchcastError(thrown);
      if (left.size < before) continue;
      if (isBad(error)) badTries += 1;
      if (badTries >= BAD_TRIES_MAX) throw error;
      await pauseOrThrow(error, retries, context);
      retries += 1;
    }
  }
}

/** The core is there, but what it sends breaks off or is not what it should be. */
function isBad(error: BranchcastError): boolean {
  return hasCode(error, 'BC_FRAME_MALFORMED') || hasCode(error, 'BC_PROTOCOL') || hasCode(error, 'BC_CONNECTION_LOST');
}

async function pauseOrThrow(error: BranchcastError, retries: number, context: FetchContext): Promise<void> {
  if ((!isTransient(error) && !isBad(error)) || retries >= WAN_RETRIES_MAX) throw error;
  await context.client.pause(retries, error, context.signal);
}

/** Cuts the bytes of a range at the frames' known places; gaps between them are dropped. Ends early if the bytes do. */
async function* cutFrames(bytes: AsyncIterable<Uint8Array>, frames: readonly WantedFrame[]): AsyncGenerator<Buffer, void, undefined> {
  let next = 0;
  let location = frames[next];
  let at = location?.offsetBytes ?? 0;
  let buffer: Buffer | undefined;
  for await (const piece of bytes) {
    let taken = 0;
    while (location !== undefined && taken < piece.byteLength) {
      if (at < location.offsetBytes) {
        const skip = Math.min(location.offsetBytes - at, piece.byteLength - taken);
        at += skip;
        taken += skip;
        continue;
      }
      buffer ??= Buffer.allocUnsafeSlow(location.storedBytes);
      const from = at - location.offsetBytes;
      const count = Math.min(location.storedBytes - from, piece.byteLength - taken);
      buffer.set(piece.subarray(taken, taken + count), from);
      at += count;
      taken += count;
      if (from + count === location.storedBytes) {
        yield buffer;
        buffer = undefined;
        next += 1;
        location = frames[next];
      }
    }
  }
}
