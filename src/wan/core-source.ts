/** The core as a source of what is missing: frames by ranges of packs, manifests as CAR. */
import { asBranchcastError, hasCode, throwIfAborted } from '../base/errors.ts';
import { WAN_RETRIES_MAX } from '../base/limits/wan.ts';
import type { Digest } from '../chunking/digest.ts';
import type { ManifestBlock } from '../manifest/entry.ts';
import type { FrameCodec } from '../store/frame-header.ts';
import type { ChunkSource, FrameOptions, LayerRecord, SourceOptions } from '../transfer/chunk-source.ts';
import { isTransient } from './backoff.ts';
import type { CoreClient } from './core-client.ts';
import { DeltaFetch } from './delta-fetch.ts';
import { FrameExchange } from './frame-exchange.ts';
import { fetchFramesOf } from './frame-fetch.ts';

export class CoreSource implements ChunkSource {
  readonly kind = 'core';
  readonly #client: CoreClient;
  readonly #exchange = new FrameExchange();
  readonly #deltas: DeltaFetch;

  /**
   * The client stays the caller's, to close. `deltaFrames` is how the frames are encoded that deltas are made into: compressed for who keeps or sends them, as they are for who
   * takes them apart at once.
   */
  constructor(client: CoreClient, deltaFrames: FrameCodec = 'stored') {
    this.#client = client;
    this.#deltas = new DeltaFetch(client, deltaFrames);
  }

  get name(): string {
    return this.#client.name;
  }

  resolveLayer(ref: string, options: SourceOptions): Promise<LayerRecord | undefined> {
    return this.#client.resolveLayer(ref, options);
  }

  /** A connection that breaks is followed by another try, which leaves out the blocks that came already. */
  async *fetchManifest(root: Digest, have: readonly Digest[], { signal }: SourceOptions): AsyncGenerator<ManifestBlock, void, undefined> {
    const came = new Set<Digest>();
    for (let retries = 0; ; retries += 1) {
      const before = came.size;
      try {
        for await (const block of this.#client.fetchManifest(root, have, { signal, retriesMax: 0 })) {
          if (came.has(block.digest)) continue;
          came.add(block.digest);
          yield block;
        }
        return;
      } catch (thrown) {
        throwIfAborted(signal);
        const error = asBranchcastError(thrown);
        if (hasCode(error, 'BC_LAYER_NOT_FOUND')) return;
        if (came.size > before) retries = 0;
        if (!isTransient(error) || retries >= WAN_RETRIES_MAX) throw error;
        await this.#client.pause(retries, error, signal);
      }
    }
  }

  fetchBlock(digest: Digest, options: SourceOptions): Promise<Uint8Array | undefined> {
    return this.#client.fetchBlock(digest, options);
  }

  /** Deltas first, where `old` says that they could be decoded; what they do not bring comes as frames. */
  async *fetchFrames(digests: readonly Digest[], options: FrameOptions): AsyncGenerator<Uint8Array, void, undefined> {
    const left = new Set(digests);
    if (options.old !== undefined) yield* this.#deltas.fetch(left, options.old, options);
    options.onDeltasEnd?.();
    if (left.size > 0) yield* fetchFramesOf(this.#client, this.#exchange, [...left], options.signal);
  }
}
