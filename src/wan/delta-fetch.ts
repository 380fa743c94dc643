/**
 * Wanted chunks as deltas against old ones that are here. What comes is decoded, verified, and made into frames like all others. Deltas are a
 * short cut: whatever goes wrong with them ends them for this time, and the chunks come in the other way.
 */
import { asBranchcastError, hasCode, throwIfAborted } from '../base/errors.ts';
import { DELTA_MISSES_MAX, DELTAS_OFF_MS } from '../base/limits/deltas.ts';
import { REQUEST_DIGESTS_MAX } from '../base/limits/wan.ts';
import { systemClock, type Clock } from '../base/clock.ts';
import type { Digest } from '../chunking/digest.ts';
import { decodeDelta } from '../delta/delta-decode.ts';
import { parseDeltaHeader, type DeltaHeader } from '../delta/delta-header.ts';
import { encodeFrame } from '../store/frame-encode.ts';
import type { FrameCodec } from '../store/frame-header.ts';
import type { FrameOptions, OldContent } from '../transfer/chunk-source.ts';
import type { CoreClient } from './core-client.ts';

export class DeltaFetch {
  readonly #client: CoreClient;
  readonly #codec: FrameCodec;
  readonly #clock: Clock;
  /** The core is not asked before this time: it knows of no deltas, or sent wrong ones. */
  #offUntilMs = Number.NEGATIVE_INFINITY;

  /** `codec` is that of the frames which are made. */
  constructor(client: CoreClient, codec: FrameCodec, clock: Clock = systemClock) {
    this.#client = client;
    this.#codec = codec;
    this.#clock = clock;
  }

  /** Frames of wanted chunks, which are taken from `wanted` as they come. Throws nothing but what the signal brings. */
  async *fetch(wanted: Set<Digest>, old: OldContent, { signal, onDelta }: FrameOptions): AsyncGenerator<Uint8Array, void, undefined> {
    if (old.from.length === 0 || wanted.size === 0 || this.#clock.monotonicMs() < this.#offUntilMs) return;
    let missCount = 0;
    try {
      for await (const delta of this.#deltasOf(wanted, old, signal)) {
        const header = parseDeltaHeader(delta);
        const base = header === undefined ? undefined : await readBase(header, old);
        if (header === undefined || base === undefined) {
          onDelta?.({ deltaBytes: delta.byteLength, frameBytes: 0, fullBytes: 0 });
          missCount += 1;
          if (missCount === DELTA_MISSES_MAX) return;
          continue;
        }
        // What is not wanted now came along, and is wanted next in all likelihood.
        const chunks = decodeDelta(delta, base);
        const frame = encodeFrame(chunks, { codec: this.#codec });
        for (const { digest } of chunks) wanted.delete(digest);
        onDelta?.({ deltaBytes: delta.byteLength, frameBytes: frame.byteLength, fullBytes: header.fullBytes });
        yield frame;
      }
    } catch (thrown) {
      throwIfAborted(signal);
      const error = asBranchcastError(thrown);
      const isHopeless = hasCode(error, 'BC_NOT_FOUND') || hasCode(error, 'BC_FRAME_MALFORMED') || hasCode(error, 'BC_CHUNK_CORRUPT') || hasCode(error, 'BC_PROTOCOL');
      if (isHopeless) this.#offUntilMs = this.#clock.monotonicMs() + DELTAS_OFF_MS;
    }
  }

  /** Asks for as many at a time as a request may name; for those that are still wanted then. */
  async *#deltasOf(wanted: ReadonlySet<Digest>, { to, from }: OldContent, signal: AbortSignal): AsyncGenerator<Uint8Array, void, undefined> {
    const digests = [...wanted];
    for (let at = 0; at < digests.length; at += REQUEST_DIGESTS_MAX) {
      const batch = digests.slice(at, at + REQUEST_DIGESTS_MAX).filter((digest) => wanted.has(digest));
      if (batch.length > 0) yield* this.#client.fetchDeltas(to, from, batch, { signal });
    }
  }
}

/** The base of a delta; undefined if any chunk of it is not here, or not as long as it is said to be. */
async function readBase({ base, baseBytes }: DeltaHeader, old: OldContent): Promise<Uint8Array | undefined> {
  const bytes = new Uint8Array(baseBytes);
  let at = 0;
  for (const chunk of base) {
    const read = await old.read(chunk.digest);
    if (read?.byteLength !== chunk.bytes) return undefined;
    bytes.set(read, at);
    at += read.byteLength;
  }
  return bytes;
}
