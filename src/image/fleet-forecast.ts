/** What it takes to bring many endpoints to one version, from the manifests alone: what is asked of a version that several have is answered once. */
import type { Digest } from '../chunking/digest.ts';
import { missingBlocks } from '../manifest/missing-blocks.ts';
import type { Manifest, ManifestChunk } from '../manifest/read.ts';
import { ChunkSet } from './chunk-set.ts';
import { forecastApply, type Forecast } from './forecast.ts';
import type { Pace } from './pace.ts';

export interface EndpointForecast extends Omit<Forecast, 'chunks'> {
  /** Of the nodes that what is in the directory lacks. */
  readonly nodeBytes: number;
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
  readonly pace: Pace;
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
    for await (const chunk of inputs.after.chunks()) {
      if (inputs.pace.due) await inputs.pace.turn();
      chunks.push(chunk);
    }
    return new FleetForecaster(inputs, chunks);
  }

  /** `have`: roots, first of what is in the directory, then of others whose chunks are at hand; none for a directory that is empty. To be called when the last call has ended. */
  async forecast(have: readonly Digest[]): Promise<EndpointForecast> {
    const first = this.#first.get(have[0] ?? '') ?? (await this.#forecastFirst(have[0]));
    const held: ChunkSet[] = [];
    for (const root of have) held.push(this.#held.get(root) ?? (await this.#chunksOf(root)));
    return { ...first, lacking: first.needed.without(held) };
  }

  chunksIn(set: ChunkSet): ManifestChunk[] {
    return [...set.places()].map((place) => this.chunks[place] as ManifestChunk);
  }

  async #forecastFirst(root: Digest | undefined): Promise<FirstLayer> {
    const { after, open, blockBytes, pace } = this.#inputs;
    // Let go of afterwards, here and below: there may be many versions.
    const before = root === undefined ? undefined : await open(root);
    const { chunks, ...forecast } = await forecastApply(after, before, blockBytes, pace);
    let nodeBytes = 0;
    for await (const { bytes } of missingBlocks(after, before === undefined ? [] : [before])) {
      if (pace.due) await pace.turn();
      nodeBytes += bytes.byteLength;
    }
    const first = { ...forecast, nodeBytes, needed: this.#setOf(chunks.keys()) };
    this.#first.set(root ?? '', first);
    return first;
  }

  async #chunksOf(root: Digest): Promise<ChunkSet> {
    const { open, pace } = this.#inputs;
    const digests: Digest[] = [];
    for await (const { digest } of (await open(root)).chunks()) {
      if (pace.due) await pace.turn();
      digests.push(digest);
    }
    const held = this.#setOf(digests);
    this.#held.set(root, held);
    return held;
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
