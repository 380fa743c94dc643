/** Manifests of the site: fetched from the core once, less what an older version shares, and kept in the chunk store. */
import { asBranchcastError, BranchcastError } from '../base/errors.ts';
import { MANIFESTS_KNOWN_MAX } from '../base/limits/fetching.ts';
import type { Digest } from '../chunking/digest.ts';
import { Manifest } from '../manifest/read.ts';
import { missingBlocks } from '../manifest/missing-blocks.ts';
import type { ChunkStore } from '../store/chunk-store.ts';
import { FrameBuilder } from '../store/frame-builder.ts';
import type { ChunkSource } from '../transfer/chunk-source.ts';

export class ManifestCache {
  readonly #store: ChunkStore;
  readonly #source: ChunkSource;
  readonly #underway = new Map<Digest, Promise<void>>();
  /** Roots whose whole manifest was seen in the store, the latest last. Eviction may have taken nodes since. */
  readonly #complete = new Set<Digest>();

  readonly #signal: AbortSignal;
  readonly #onWhole: (root: Digest) => Promise<void>;

  /** `onWhole` is told of each manifest that somebody asked for and that is here; they wait for it. `signal` ends fetches under way: they belong to the site, not to the endpoint that asked first. */
  constructor(store: ChunkStore, source: ChunkSource, signal: AbortSignal, onWhole: (root: Digest) => Promise<void> = async () => undefined) {
    this.#store = store;
    this.#source = source;
    this.#signal = signal;
    this.#onWhole = onWhole;
  }

  manifest(root: Digest): Manifest {
    return new Manifest(root, (digest) => this.#store.get(digest));
  }

  /** Resolves when every node under `root` is in the store. Concurrent calls share one fetch. */
  ensure(root: Digest): Promise<void> {
    const underway = this.#underway.get(root);
    if (underway !== undefined) return underway;
    const fetching = this.#ensure(root).then(() => this.#onWhole(root)).finally(() => this.#underway.delete(root));
    this.#underway.set(root, fetching);
    return fetching;
  }

  /** Digests of the nodes under `root` that the manifests `haves` lack, parents first. Haves that are not whole here are left out. */
  async *nodesLacking(root: Digest, haves: readonly Digest[]): AsyncGenerator<Digest> {
    for await (const block of missingBlocks(this.manifest(root), haves.map((have) => this.manifest(have)))) yield block.digest;
  }

  async #ensure(root: Digest): Promise<void> {
    if (await this.#isWhole(root)) return;
    const frames = new FrameBuilder();
    for await (const block of this.#source.fetchManifest(root, [...this.#complete], { signal: this.#signal })) {
      const full = frames.add(block);
      if (full !== undefined) await this.#store.put([full]);
    }
    const last = frames.finish();
    if (last !== undefined) await this.#store.put([last]);
    if (!(await this.#isWhole(root))) throw new BranchcastError('BC_MANIFEST_INCOMPLETE', `${this.#source.name} sent a manifest with gaps`, { details: { source: this.#source.name } });
  }

  async #isWhole(root: Digest): Promise<boolean> {
    try {
      for await (const _ of this.manifest(root).blocks());
    } catch (thrown) {
      this.#complete.delete(root);
      const error = asBranchcastError(thrown);
      if (error.code === 'BC_MANIFEST_INCOMPLETE' || error.code === 'BC_CHUNK_CORRUPT') return false;
      throw error;
    }
    this.#complete.delete(root);
    this.#complete.add(root);
    if (this.#complete.size > MANIFESTS_KNOWN_MAX) this.#complete.delete([...this.#complete][0] as Digest);
    return true;
  }
}
