/**
 * An endpoint that has nothing of a layer and asks for its manifest wants chunks next, but first it plans: seconds on a slow machine, in which
 * the WAN would stand still for the whole site. Its first chunks are fetched meanwhile.
 */
import { hasCode } from '../base/errors.ts';
import { FORESIGHT_DIGESTS_MAX, MANIFESTS_KNOWN_MAX } from '../base/limits/fetching.ts';
import type { Logger } from '../base/log.ts';
import type { Digest } from '../chunking/digest.ts';
import type { FetchOnce } from '../transfer/fetch-once.ts';
import type { ManifestCache } from './manifest-cache.ts';

export interface ForesightParts {
  readonly fetch: Pick<FetchOnce, 'want'>;
  readonly manifests: Pick<ManifestCache, 'manifest'>;
  readonly log: Logger;
}

export class Foresight {
  readonly #parts: ForesightParts;
  /** Roots that it was done for, the latest last: the first who asks is enough. */
  readonly #done = new Set<Digest>();

  constructor(parts: ForesightParts) {
    this.#parts = parts;
  }

  /** The manifest of `root` is whole here, and somebody asked for it who has the trees `have`. With one of those, chunks may come from their own disk: nothing is done. */
  async expect(root: Digest, have: readonly Digest[]): Promise<void> {
    if (have.length > 0 || this.#done.has(root)) return;
    const [oldest] = this.#done;
    if (this.#done.size >= MANIFESTS_KNOWN_MAX && oldest !== undefined) this.#done.delete(oldest);
    this.#done.add(root);
    const { fetch, manifests, log } = this.#parts;
    try {
      // In the order in which a pull wants them.
      const first: Digest[] = [];
      for await (const { digest } of manifests.manifest(root).chunks()) if (first.push(digest) >= FORESIGHT_DIGESTS_MAX) break;
      void fetch.want(first);
    } catch (err) {
      // Evicted in between, or shutting down: the endpoint asks for itself.
      if (!hasCode(err, 'BC_CANCELLED')) log.debug({ err, root }, 'the chunks that an endpoint will want cannot be told');
    }
  }
}
