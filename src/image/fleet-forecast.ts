/** What it takes to bring many endpoints to one version, from the manifests alone: what is asked of a version that several have is answered once. */
import type { Digest } from '../chunking/digest.ts';
import type { Manifest, ManifestChunk } from '../manifest/read.ts';
import { ChunkSet } from './chunk-set.ts';
import { forecastApply, type Forecast } from './forecast.ts';

export interface EndpointForecast extends Pick<Forecast, 'changes' | 'fileCount' | 'fileBytes' | 'roomBytes'> {
  /** Chunks that the new files are made of, by their places in FleetForecaster.chunks. */
  readonly needed: ChunkSet;
  /** Of these, what none of the endpoint's layers has. */
  readonly lacking: ChunkSet;
}

type FirstLayer = Omit<EndpointForecast, 'lacking'>;

/** The manifest of a root. */
export type OpenManifest = (root: Digest) => Promise<Manifest>;

export interface FleetInputs {
  readonly after: Manifest;
  readonly open: OpenManifest;
  readonly blockBytes: number;
  readonly signal: AbortSignal;
}

export class FleetForecaster {
  /** Of the new version, in canonical order. */
  readonly chunks: readonly ManifestChunk[];
  readonly #inputs: FleetInputs;
  readonly #places: ReadonlyMap<Digest, number>;
  /** By the root of the layer that is in the directory; '' where none is. */
  readonly #first = new Map<string, FirstLayer>();
  /** By its root: what a layer has of the chunks. */
  readonly #held = new Map<Digest, ChunkSet>();

  private constructor(inputs: FleetInputs, chunks: readonly ManifestChunk[]) {
    this.chunks = chunks;
    this.#inputs = inputs;
    this.#places = new Map(chunks.map(({ digest }, place) => [digest, place]));
  }

  static async of(inputs: FleetInputs): Promise<FleetForecaster> {
    const chunks: ManifestChunk[] = [];
    for await (const chunk of inputs.after.chunks()) chunks.push(chunk);
    return new FleetForecaster(inputs, chunks);
  }

  /** `have`: roots, first of what is in the directory, then of others whose chunks are at hand; none for a directory that is empty. To be called when the last call has ended. */
  async forecast(have: readonly Digest[]): Promise<EndpointForecast> {
    for (const [at, root] of have.entries()) await this.#compare(root, at === 0);
    const first = this.#first.get(have[0] ?? '') ?? (await this.#forecastFirst(undefined));
    return { ...first, lacking: first.needed.without(have.map((root) => this.#held.get(root) as ChunkSet)) };
  }

  async #compare(root: Digest, isFirst: boolean): Promise<void> {
    if (this.#held.has(root) && (!isFirst || this.#first.has(root))) return;
    // Let go of afterwards: there may be many versions.
    const manifest = await this.#inputs.open(root);
    if (isFirst) await this.#forecastFirst(manifest);
    const digests: Digest[] = [];
    for await (const { digest } of manifest.chunks()) {
      this.#inputs.signal.throwIfAborted();
      digests.push(digest);
    }
    this.#held.set(root, this.#setOf(digests));
  }

  async #forecastFirst(manifest: Manifest | undefined): Promise<FirstLayer> {
    const { after, blockBytes, signal } = this.#inputs;
    const { changes, fileCount, fileBytes, roomBytes, chunks } = await forecastApply(after, manifest, blockBytes, signal);
    const first = { changes, fileCount, fileBytes, roomBytes, needed: this.#setOf(chunks.keys()) };
    this.#first.set(manifest?.root ?? '', first);
    return first;
  }

  /** Of digests, those that the new version has. */
  #setOf(digests: Iterable<Digest>): ChunkSet {
    const set = new ChunkSet(this.chunks.length);
    for (const digest of digests) {
      const place = this.#places.get(digest);
      if (place !== undefined) set.add(place);
    }
    return set;
  }
}
