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

export class FleetForecaster {
  /** Of the new version, in canonical order. */
  readonly chunks: readonly ManifestChunk[];
  readonly #after: Manifest;
  readonly #blockBytes: number;
  readonly #signal: AbortSignal;
  readonly #places: ReadonlyMap<Digest, number>;
  /** By the root of the layer that is in the directory; '' where none is. */
  readonly #first = new Map<string, Promise<FirstLayer>>();
  /** By its root: what a layer has of the chunks. */
  readonly #held = new Map<Digest, Promise<ChunkSet>>();

  private constructor(after: Manifest, chunks: readonly ManifestChunk[], blockBytes: number, signal: AbortSignal) {
    this.chunks = chunks;
    this.#after = after;
    this.#blockBytes = blockBytes;
    this.#signal = signal;
    this.#places = new Map(chunks.map(({ digest }, place) => [digest, place]));
  }

  static async of(after: Manifest, blockBytes: number, signal: AbortSignal): Promise<FleetForecaster> {
    const chunks: ManifestChunk[] = [];
    for await (const chunk of after.chunks()) chunks.push(chunk);
    return new FleetForecaster(after, chunks, blockBytes, signal);
  }

  /** `have`: first what is in the directory, then others whose chunks are at hand; nothing for a directory that is empty. */
  async forecast(have: readonly Manifest[]): Promise<EndpointForecast> {
    const [first] = have;
    const started = this.#first.get(first?.root ?? '') ?? this.#forecastFirst(first);
    this.#first.set(first?.root ?? '', started);
    const forecast = await started;
    const held: ChunkSet[] = [];
    for (const manifest of have) {
      const chunks = this.#held.get(manifest.root) ?? this.#chunksOf(manifest);
      this.#held.set(manifest.root, chunks);
      held.push(await chunks);
    }
    return { ...forecast, lacking: forecast.needed.without(held) };
  }

  async #forecastFirst(first: Manifest | undefined): Promise<FirstLayer> {
    const { changes, fileCount, fileBytes, roomBytes, chunks } = await forecastApply(this.#after, first, this.#blockBytes, this.#signal);
    return { changes, fileCount, fileBytes, roomBytes, needed: this.#setOf(chunks.keys()) };
  }

  async #chunksOf(manifest: Manifest): Promise<ChunkSet> {
    const digests: Digest[] = [];
    for await (const { digest } of manifest.chunks()) {
      this.#signal.throwIfAborted();
      digests.push(digest);
    }
    return this.#setOf(digests);
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
