/** What this reflector serves to its site: from the cache, and through it from the core, each chunk fetched once. */
import { BranchcastError } from '../base/errors.ts';
import { SELECT_RUN_DIGESTS_MAX } from '../base/limits/fetching.ts';
import type { Digest } from '../chunking/digest.ts';
import type { ChunkStore } from '../store/chunk-store.ts';
import { selectFrames } from '../store/select-frames.ts';
import type { BlockProvider } from '../swarm/block-provider.ts';
import type { ChunkSource, LayerRecord } from '../transfer/chunk-source.ts';
import type { FetchOnce } from '../transfer/fetch-once.ts';
import type { Foresight } from './foresight.ts';
import type { LayerDirectory } from './layer-directory.ts';
import type { ManifestCache } from './manifest-cache.ts';

export interface SiteProviderParts {
  readonly store: ChunkStore;
  readonly fetch: FetchOnce;
  readonly manifests: ManifestCache;
  readonly layers: LayerDirectory;
  readonly core: ChunkSource;
  readonly foresight: Foresight;
}

export class SiteProvider implements BlockProvider {
  readonly #parts: SiteProviderParts;

  constructor(parts: SiteProviderParts) {
    this.#parts = parts;
  }

  async resolveLayer(ref: string, signal: AbortSignal): Promise<LayerRecord | undefined> {
    return this.#parts.layers.resolve(ref) ?? (await this.#parts.core.resolveLayer(ref, { signal }));
  }

  async *manifestFrames(root: Digest, have: readonly Digest[], signal: AbortSignal): AsyncGenerator<Uint8Array> {
    const { foresight, manifests, store } = this.#parts;
    await beforeAbort(manifests.ensure(root), signal);
    void foresight.expect(root, have);
    let run: Digest[] = [];
    for await (const digest of manifests.nodesLacking(root, have)) {
      run.push(digest);
      if (run.length < SELECT_RUN_DIGESTS_MAX) continue;
      yield* selectFrames(store, run, signal);
      run = [];
    }
    yield* selectFrames(store, run, signal);
  }

  /**
   * Frames as their chunks come: one that takes long does not hold up what is here. What is here already keeps the order of the wants; what nobody has is
   * left out. Throws what a fetch failed with, after everything that came.
   */
  async *frames(digests: readonly Digest[], signal: AbortSignal): AsyncGenerator<Uint8Array> {
    const { fetch, store } = this.#parts;
    const here: Digest[] = [];
    let waitingCount = digests.length;
    let failure: { readonly reason: unknown } | undefined;
    let arrival = Promise.withResolvers<void>();
    for (const [index, arriving] of fetch.want(digests).entries()) {
      void arriving
        .then((what) => what === 'stored' && here.push(digests[index] as Digest), (reason: unknown) => (failure ??= { reason }))
        .then(() => {
          waitingCount -= 1;
          arrival.resolve();
        });
    }
    for (;;) {
      arrival = Promise.withResolvers<void>();
      // In runs, so that a stored frame is sent once for all that is wanted of it.
      if (here.length > 0) yield* selectFrames(store, here.splice(0, SELECT_RUN_DIGESTS_MAX), signal);
      else if (waitingCount > 0) await beforeAbort(arrival.promise, signal);
      else if (failure !== undefined) throw failure.reason;
      else return;
    }
  }
}

function beforeAbort<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(new BranchcastError('BC_CANCELLED', 'the endpoint has gone', { cause: signal.reason }));
    if (signal.aborted) onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}
