/**
 * Which layers are being updated at this site: for each version whose manifest was asked for, another version of the same name that is
 * here (an older one, usually), and the chunks that the wanted one lacks here. It is what the reflector tells the core to get deltas. Only bookkeeping; what it says may have
 * become untrue since (eviction), and then the chunks come whole.
 */
import { hasCode } from '../base/errors.ts';
import { DELTA_HELD_SHARE_MIN, DELTA_NO_UPDATES_MAX, DELTA_OTHER_VERSIONS_MAX, DELTA_PLAN_CHUNKS_MAX, DELTA_UPDATES_MAX } from '../base/limits/deltas.ts';
import type { Logger } from '../base/log.ts';
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
  readonly log: Logger;
}

/** Why a version has no update: it is worth another look when other versions are known, or when a block came whose lack was the reason. */
interface NoUpdate {
  readonly others: readonly Digest[];
  readonly awaited: readonly Digest[];
}

export class SiteUpdates {
  readonly #parts: SiteUpdatesParts;
  /** By root, the latest last. */
  readonly #updates = new Map<Digest, SiteUpdate>();
  readonly #noUpdates = new Map<Digest, NoUpdate>();

  constructor(parts: SiteUpdatesParts) {
    this.#parts = parts;
  }

  /** The latest first. */
  get updates(): readonly SiteUpdate[] {
    return [...this.#updates.values()].toReversed();
  }

  /** The whole manifest of `root` is here: somebody is going to want its chunks. Never rejects: without an update they come whole. */
  async note(root: Digest): Promise<void> {
    const others = otherVersions(this.#parts.layers.layers, root).slice(0, DELTA_OTHER_VERSIONS_MAX);
    if (others.length === 0 || this.#updates.has(root) || this.#isFruitless(root, others)) return;
    try {
      await this.#look(root, others);
    } catch (err) {
      this.#parts.log.warn({ err, root }, 'did not find out what a version could be updated from');
    }
  }

  async #look(root: Digest, others: readonly Digest[]): Promise<void> {
    const awaited: Digest[] = [];
    for (const from of others) {
      const missing = await this.#missingOf(from);
      if (missing !== undefined) {
        awaited.push(missing);
        continue;
      }
      const lacking = await this.#lacking(root);
      if (lacking.length <= DELTA_PLAN_CHUNKS_MAX) {
        this.#noUpdates.delete(root);
        remember(this.#updates, root, { to: root, from, lacking: new DigestSet(lacking) }, DELTA_UPDATES_MAX);
        return;
      }
      awaited.push(...lacking.slice(-1));
      break;
    }
    remember(this.#noUpdates, root, { others, awaited }, DELTA_NO_UPDATES_MAX);
  }

  /** An earlier look found nothing, and nothing has come since that could change it. */
  #isFruitless(root: Digest, others: readonly Digest[]): boolean {
    const known = this.#noUpdates.get(root);
    return known !== undefined && known.others.join() === others.join() && !this.#parts.store.has(known.awaited).includes(true);
  }

  /** undefined if (nearly) all chunks of a version are here; or else a block that it lacks, of several the one that a fetch brings last. */
  async #missingOf(root: Digest): Promise<Digest | undefined> {
    const { store } = this.#parts;
    if (store.has([root])[0] !== true) return root;
    let count = 0;
    let heldCount = 0;
    let missing: Digest = root;
    let node: Digest = root;
    const manifest = new Manifest(root, (digest) => {
      node = digest;
      return store.get(digest);
    });
    try {
      for await (const { digest } of manifest.chunks()) {
        count += 1;
        if (store.has([digest])[0] === true) heldCount += 1;
        else missing = digest;
      }
    } catch (error) {
      if (hasCode(error, 'BC_MANIFEST_INCOMPLETE') || hasCode(error, 'BC_CHUNK_CORRUPT')) return node;
      throw error;
    }
    return heldCount > 0 && heldCount >= count * DELTA_HELD_SHARE_MIN ? undefined : missing;
  }

  /** One more than DELTA_PLAN_CHUNKS_MAX if there are too many to keep. */
  async #lacking(root: Digest): Promise<Digest[]> {
    const { store } = this.#parts;
    const lacking: Digest[] = [];
    for await (const { digest } of new Manifest(root, (node) => store.get(node)).chunks()) {
      if (store.has([digest])[0] !== true) lacking.push(digest);
      if (lacking.length > DELTA_PLAN_CHUNKS_MAX) break;
    }
    return lacking;
  }
}

function remember<T>(notes: Map<Digest, T>, root: Digest, note: T, max: number): void {
  notes.delete(root);
  notes.set(root, note);
  const [oldest] = notes.keys();
  if (notes.size > max && oldest !== undefined) notes.delete(oldest);
}

/** Roots of other versions of the layers that have this root, those committed nearest to it first: newer ones too, since a site may go back. */
export function otherVersions(layers: readonly KnownLayer[], root: Digest): Digest[] {
  const named = new Map(layers.filter((layer) => layer.root === root).map((layer) => [layer.name, layer.sequence]));
  const distance = ({ name, sequence }: KnownLayer): number => Math.abs(sequence - (named.get(name) ?? 0));
  const others = layers.filter((layer) => layer.root !== root && named.has(layer.name));
  return [...new Set(others.toSorted((a, b) => distance(a) - distance(b)).map((layer) => layer.root))];
}
