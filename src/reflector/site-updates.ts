/**
 * Which layers are being updated at this site: for each version whose manifest was asked for, an older version of the same name that is
 * here, and the chunks that the newer one lacks here. It is what the reflector tells the core to get deltas. Only bookkeeping; what it says may have
 * become untrue since (eviction), and then the chunks come whole.
 */
import { hasCode } from '../base/errors.ts';
import { DELTA_HELD_SHARE_MIN, DELTA_OLDER_VERSIONS_MAX, DELTA_PLAN_CHUNKS_MAX, DELTA_UPDATES_MAX } from '../base/limits.ts';
import type { Digest } from '../chunking/digest.ts';
import { Manifest } from '../manifest/read.ts';
import type { ChunkStore } from '../store/chunk-store.ts';
import { DigestSet } from '../store/digest-set.ts';
import type { KnownLayer, LayerDirectory } from './layer-directory.ts';

export interface SiteUpdate {
  readonly to: Digest;
  readonly from: Digest;
  /** Chunks of `to` that were not here. */
  readonly lacking: DigestSet;
}

export interface SiteUpdatesParts {
  readonly store: Pick<ChunkStore, 'has' | 'get'>;
  readonly layers: Pick<LayerDirectory, 'layers'>;
}

export class SiteUpdates {
  readonly #parts: SiteUpdatesParts;
  /** By root, the latest last. */
  readonly #updates = new Map<Digest, SiteUpdate>();

  constructor(parts: SiteUpdatesParts) {
    this.#parts = parts;
  }

  /** The latest first. */
  get updates(): readonly SiteUpdate[] {
    return [...this.#updates.values()].toReversed();
  }

  /** The whole manifest of `root` is here: somebody is going to want its chunks. */
  async note(root: Digest): Promise<void> {
    if (this.#updates.has(root)) return;
    for (const from of olderVersions(this.#parts.layers.layers, root).slice(0, DELTA_OLDER_VERSIONS_MAX)) {
      if (!(await this.#isHeld(from))) continue;
      const lacking = await this.#lacking(root);
      if (lacking === undefined) return;
      this.#updates.set(root, { to: root, from, lacking });
      const [oldest] = this.#updates.keys();
      if (this.#updates.size > DELTA_UPDATES_MAX && oldest !== undefined) this.#updates.delete(oldest);
      return;
    }
  }

  /** Whether (nearly) all chunks of a version are here. */
  async #isHeld(root: Digest): Promise<boolean> {
    const { store } = this.#parts;
    if (store.has([root])[0] !== true) return false;
    let count = 0;
    let heldCount = 0;
    try {
      for await (const { digest } of this.#manifest(root).chunks()) {
        count += 1;
        if (store.has([digest])[0] === true) heldCount += 1;
      }
    } catch (error) {
      if (hasCode(error, 'BC_MANIFEST_INCOMPLETE') || hasCode(error, 'BC_CHUNK_CORRUPT')) return false;
      throw error;
    }
    return heldCount > 0 && heldCount >= count * DELTA_HELD_SHARE_MIN;
  }

  #manifest(root: Digest): Manifest {
    return new Manifest(root, (digest) => this.#parts.store.get(digest));
  }

  /** undefined if there are too many to keep. */
  async #lacking(root: Digest): Promise<DigestSet | undefined> {
    const lacking: Digest[] = [];
    for await (const { digest } of this.#manifest(root).chunks()) {
      if (this.#parts.store.has([digest])[0] !== true) lacking.push(digest);
      if (lacking.length > DELTA_PLAN_CHUNKS_MAX) return undefined;
    }
    return new DigestSet(lacking);
  }
}

/** Roots of other versions of the layers that have this root, those committed nearest to it first. */
export function olderVersions(layers: readonly KnownLayer[], root: Digest): Digest[] {
  const named = new Map(layers.filter((layer) => layer.root === root).map((layer) => [layer.name, layer.sequence]));
  const distance = ({ name, sequence }: KnownLayer): number => Math.abs(sequence - (named.get(name) ?? 0));
  const others = layers.filter((layer) => layer.root !== root && named.has(layer.name));
  return [...new Set(others.toSorted((a, b) => distance(a) - distance(b)).map((layer) => layer.root))];
}
