/** Fetches whole layers before an endpoint asks, one after the other, and pins those that shall never be evicted. */
import { asBranchcastError } from '../base/errors.ts';
import { PREFETCH_WINDOW_DIGESTS_MAX } from '../base/limits/fetching.ts';
import type { Logger } from '../base/log.ts';
import type { Digest } from '../chunking/digest.ts';
import type { ChunkStore } from '../store/chunk-store.ts';
import type { FetchOnce } from '../transfer/fetch-once.ts';
import type { KnownLayer, LayerDirectory } from './layer-directory.ts';
import { matchesAny } from './layer-pattern.ts';
import type { ManifestCache } from './manifest-cache.ts';

export interface PrefetchParts {
  readonly store: ChunkStore;
  readonly fetch: FetchOnce;
  readonly manifests: ManifestCache;
  readonly layers: LayerDirectory;
  readonly patterns: readonly string[];
  /** Refs of layers to pin. */
  readonly pinned: readonly string[];
  readonly log: Logger;
  readonly signal: AbortSignal;
}

export class Prefetch {
  readonly #parts: PrefetchParts;
  /** Layers to fetch yet; the newest announcement of a name replaces an older one. */
  readonly #waiting = new Map<string, KnownLayer>();
  #running: Promise<void> | undefined;

  constructor(parts: PrefetchParts) {
    this.#parts = parts;
  }

  /** Tells of layers that are new here, or, at start and when the core is back, of all that are known. */
  announce(layers: readonly KnownLayer[]): void {
    for (const layer of layers) {
      if (this.#isPinned(layer) || matchesAny(this.#parts.patterns, layer.name)) this.#waiting.set(layer.name, layer);
    }
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined;
    });
  }

  async settled(): Promise<void> {
    await this.#running;
  }

  async #run(): Promise<void> {
    const { log, signal } = this.#parts;
    for (let layer = this.#next(); layer !== undefined && !signal.aborted; layer = this.#next()) {
      const ref = `${layer.name}@${layer.version}`;
      try {
        await this.#fetch(layer);
        log.info({ layer: ref }, 'prefetched');
      } catch (thrown) {
        // It is announced again when the core is back; endpoints that ask meanwhile fetch for themselves.
        if (!signal.aborted) log.warn({ layer: ref, code: asBranchcastError(thrown).code }, `prefetch stopped: ${asBranchcastError(thrown).message}`);
      }
    }
  }

  async #fetch(layer: KnownLayer): Promise<void> {
    const { store, fetch, manifests, signal } = this.#parts;
    await manifests.ensure(layer.root);
    const manifest = manifests.manifest(layer.root);
    if (this.#isPinned(layer)) {
      const digests: Digest[] = [];
      for await (const block of manifest.blocks()) digests.push(block.digest);
      for await (const chunk of manifest.chunks()) digests.push(chunk.digest);
      store.pin(this.#pinName(layer), digests);
    }
    let window: Digest[] = [];
    const fetchWindow = async (): Promise<void> => {
      await Promise.all(fetch.want(window));
      window = [];
    };
    for await (const { digest } of manifest.chunks()) {
      if (signal.aborted) return;
      window.push(digest);
      if (window.length >= PREFETCH_WINDOW_DIGESTS_MAX) await fetchWindow();
    }
    await fetchWindow();
  }

  #next(): KnownLayer | undefined {
    const [first] = this.#waiting;
    if (first === undefined) return undefined;
    this.#waiting.delete(first[0]);
    return first[1];
  }

  #isPinned(layer: KnownLayer): boolean {
    return this.#parts.pinned.some((ref) => this.#parts.layers.resolve(ref)?.root === layer.root);
  }

  /** A newer version of a name that is pinned without a version takes the pin of the one before. */
  #pinName(layer: KnownLayer): string {
    const { pinned } = this.#parts;
    return pinned.includes(layer.name) ? layer.name : `${layer.name}@${layer.version}`;
  }
}
