/** The core's HTTP API (docs/protocols.md, "WAN") as calls. Nothing that comes back is believed beyond its form: digests are checked by who uses them. */
import { pipeline, Readable } from 'node:stream';
import { createZstdDecompress } from 'node:zlib';
import type { Static, TSchema } from 'typebox';
import { BranchcastError, hasCode } from '../base/errors.ts';
import { MANIFEST_BYTES_MAX } from '../base/limits/manifests.ts';
import { COMMIT_TIMEOUT_MS, HAVE_ROOTS_MAX } from '../base/limits/wan.ts';
import { formatRoot, type Digest } from '../chunking/digest.ts';
import { splitDeltas } from '../delta/delta-stream.ts';
import { readCar } from '../manifest/car.ts';
import type { LayerKind } from '../manifest/descriptor.ts';
import type { ManifestBlock } from '../manifest/entry.ts';
import type { PutResult } from '../store/chunk-store.ts';
import { splitFrames } from '../store/frame-stream.ts';
import {
  expectJson, HealthJson, LayerJson, layerFromJson, LayersJson, MemberReportJson, RepackStatusJson, ScrubJson, SiteDetailsJson, SitesJson, StatsJson, UploadJson,
  type CoreStats, type Health, type MemberReport, type PublishedLayer, type RepackStatus, type ScrubStatus, type Site, type SiteDetails,
} from './api-messages.ts';
import { decodeBitmap, encodeDigests } from './digest-list.ts';
import { decodeFrameList, type WantedFrame } from './frame-list.ts';
import { HttpTransport, type CallOptions, type HttpAnswer, type TrafficKind, type TransportOptions } from './http-transport.ts';
import { networkError, parseJson } from './network-error.ts';

const BYTES = { 'content-type': 'application/octet-stream' };
const JSON_BODY = { 'content-type': 'application/json' };

export interface NewLayer {
  readonly name: string;
  readonly version: string;
  readonly kind: LayerKind;
  readonly descriptor: Digest;
}

export interface Layers {
  readonly layers: readonly PublishedLayer[];
  /** Give it back to hear of later layers only. */
  readonly cursor: number;
}

export class CoreClient {
  readonly #http: HttpTransport;

  constructor(url: string, options: TransportOptions = {}) {
    this.#http = new HttpTransport(url, options);
  }

  get url(): string {
    return this.#http.url;
  }

  /** For messages: `core http://core:7400`. */
  get name(): string {
    return `core ${this.#http.url}`;
  }

  /** Body bytes received so far, as they stood on the wire. */
  get receivedBytes(): Readonly<Record<TrafficKind, number>> {
    return this.#http.receivedBytes;
  }

  /** The pause before try `retry + 1` of what failed with `error`. */
  pause(retry: number, error: BranchcastError, signal: AbortSignal | undefined): Promise<void> {
    return this.#http.pause(retry, error, signal);
  }

  /** One try only: the question is whether the core is there now. */
  health(options: CallOptions = {}): Promise<Health> {
    return this.#json(HealthJson, this.#http.call({ method: 'GET', path: '/v1/health', kind: 'other', retriesMax: 0, ...options }));
  }

  stats(options: CallOptions = {}): Promise<CoreStats> {
    return this.#json(StatsJson, this.#http.call({ method: 'GET', path: '/v1/stats', kind: 'other', ...options }));
  }

  // -- layers

  /** All of them, or all versions of a name; the newest last. */
  async listLayers(options: CallOptions & { readonly name?: string | undefined } = {}): Promise<PublishedLayer[]> {
    const found: PublishedLayer[] = [];
    for (let after = 0; ; ) {
      const page = await this.#layers(`/v1/layers?after=${after}${options.name === undefined ? '' : `&name=${encodeURIComponent(options.name)}`}`, options);
      found.push(...page.layers);
      if (page.layers.length === 0 || page.cursor <= after) return found;
      after = page.cursor;
    }
  }

  /** `name@version`, `name` for the newest, or a root as text; undefined if there is no such layer. */
  async resolveLayer(ref: string, options: CallOptions = {}): Promise<PublishedLayer | undefined> {
    try {
      return this.#layer(await this.#json(LayerJson, this.#http.call({ method: 'GET', path: `/v1/layers/${encodeURIComponent(ref)}`, kind: 'other', ...options })));
    } catch (error) {
      if (hasCode(error, 'BC_LAYER_NOT_FOUND')) return undefined;
      throw error;
    }
  }

  /** Atomic; the same again is a success. BC_MANIFEST_INCOMPLETE, BC_LAYER_EXISTS. */
  async commitLayer(layer: NewLayer, options: CallOptions = {}): Promise<PublishedLayer> {
    const body = Buffer.from(JSON.stringify({ ...layer, descriptor: formatRoot(layer.descriptor) }));
    return this.#layer(await this.#json(LayerJson, this.#http.call({ method: 'POST', path: '/v1/layers', kind: 'other', headers: JSON_BODY, body, answerTimeoutMs: COMMIT_TIMEOUT_MS, ...options })));
  }

  /** Layers committed after `after`; waits up to `waitMs` (at most CHANGES_WAIT_MS_MAX) for the first. */
  changes(after: number, options: CallOptions & { readonly waitMs?: number } = {}): Promise<Layers> {
    const waitMs = options.waitMs ?? 0;
    return this.#layers(`/v1/changes?after=${after}&waitMs=${waitMs}`, options, waitMs);
  }

  // -- storing

  /** For each digest whether the core lacks it. At most REQUEST_DIGESTS_MAX. */
  async missing(digests: readonly Digest[], options: CallOptions = {}): Promise<boolean[]> {
    const body = encodeDigests(digests);
    return decodeBitmap(await this.#http.call({ method: 'POST', path: '/v1/missing', kind: 'other', headers: BYTES, body, ...options }), digests.length);
  }

  /** Frames, one after the other, at most UPLOAD_BYTES_MAX. Durable when it resolves. */
  uploadFrames(frames: Uint8Array, options: CallOptions = {}): Promise<PutResult> {
    return this.#json(UploadJson, this.#http.call({ method: 'POST', path: '/v1/frames', kind: 'other', headers: BYTES, body: frames, ...options }));
  }

  // -- fetching

  /** Where the chunks are; those in no frame are not stored. Sorted by pack and offset. At most REQUEST_DIGESTS_MAX. */
  async locate(digests: readonly Digest[], options: CallOptions = {}): Promise<WantedFrame[]> {
    const body = encodeDigests(digests);
    return decodeFrameList(await this.#http.call({ method: 'POST', path: '/v1/locate', kind: 'other', headers: BYTES, body, ...options }), digests.length);
  }

  /** Bytes [startBytes, endBytes) of a pack as they come; not resumed. BC_PACK_NOT_FOUND; BC_PROTOCOL if another range comes. */
  async *readPack(packId: string, startBytes: number, endBytes: number, options: CallOptions & { readonly retriesMax?: number } = {}): AsyncGenerator<Uint8Array, void, undefined> {
    const headers = { range: `bytes=${startBytes}-${endBytes - 1}` };
    const answer = await this.#http.open({ method: 'GET', path: `/v1/packs/${packId}`, kind: 'chunks', headers, ...options });
    const got = /^bytes (\d+)-(\d+)\/(?:\d+|\*)$/.exec(String(answer.headers['content-range'] ?? ''));
    const asked = answer.status === 206 && Number(got?.[1]) === startBytes && Number(got?.[2]) === endBytes - 1;
    let left = endBytes - startBytes;
    for await (const piece of answer.body) {
      left -= piece.byteLength;
      if (!asked || left < 0) throw this.#broken(`answered the range ${headers.range} of pack ${packId} with status ${answer.status}, ${String(answer.headers['content-range'] ?? 'no range')}`);
      yield piece;
    }
    if (!asked || left > 0) throw new BranchcastError('BC_CONNECTION_LOST', `${this.name}: ${left} bytes of a range of pack ${packId} did not come`, { details: { url: this.url } });
  }

  /** Frames made for just these chunks; chunks that the core lacks do not come. Not resumed. */
  async *fetchChunks(digests: readonly Digest[], options: CallOptions & { readonly retriesMax?: number } = {}): AsyncGenerator<Uint8Array, void, undefined> {
    const answer = await this.#http.open({ method: 'POST', path: '/v1/chunks', kind: 'chunks', headers: BYTES, body: encodeDigests(digests), ...options });
    yield* splitFrames(answer.body);
  }

  /** Delta frames for wanted chunks of the version `root`, against one of the versions `have`. Not resumed, not verified. BC_NOT_FOUND from a core without deltas. */
  async *fetchDeltas(root: Digest, have: readonly Digest[], digests: readonly Digest[], options: CallOptions = {}): AsyncGenerator<Uint8Array, void, undefined> {
    const query = `have=${have.slice(0, HAVE_ROOTS_MAX).map(formatRoot).join(',')}`;
    const answer = await this.#http.open({ method: 'POST', path: `/v1/deltas/${formatRoot(root)}?${query}`, kind: 'chunks', headers: BYTES, body: encodeDigests(digests), retriesMax: 0, ...options });
    yield* splitDeltas(answer.body);
  }

  /** Nodes under `root` that the manifests `have` lack, parents first. Not resumed, not verified. BC_LAYER_NOT_FOUND. */
  async *fetchManifest(root: Digest, have: readonly Digest[], options: CallOptions & { readonly retriesMax?: number } = {}): AsyncGenerator<ManifestBlock, void, undefined> {
    const query = have.length === 0 ? '' : `?have=${have.slice(-HAVE_ROOTS_MAX).map(formatRoot).join(',')}`;
    const headers = { accept: 'application/vnd.ipld.car', 'accept-encoding': 'zstd' };
    const answer = await this.#http.open({ method: 'GET', path: `/v1/manifests/${formatRoot(root)}${query}`, kind: 'manifests', headers, ...options });
    yield* readCar(this.#decoded(answer, options.signal));
  }

  /** One block, not verified; undefined if the core does not have it. */
  async fetchBlock(digest: Digest, options: CallOptions = {}): Promise<Uint8Array | undefined> {
    try {
      return await this.#http.call({ method: 'GET', path: `/v1/blocks/${digest}`, kind: 'manifests', ...options });
    } catch (error) {
      if (hasCode(error, 'BC_CHUNK_NOT_FOUND')) return undefined;
      throw error;
    }
  }

  // -- sites and upkeep

  async report(site: string, peerId: string, report: MemberReport, options: CallOptions = {}): Promise<void> {
    const body = Buffer.from(JSON.stringify(expectJson(MemberReportJson, report, 'this member')));
    await this.#http.call({ method: 'PUT', path: `/v1/sites/${encodeURIComponent(site)}/members/${encodeURIComponent(peerId)}`, kind: 'other', headers: JSON_BODY, body, ...options });
  }

  async listSites(options: CallOptions = {}): Promise<Site[]> {
    return (await this.#json(SitesJson, this.#http.call({ method: 'GET', path: '/v1/sites', kind: 'other', ...options }))).sites;
  }

  /** BC_SITE_NOT_FOUND. */
  site(site: string, options: CallOptions = {}): Promise<SiteDetails> {
    return this.#json(SiteDetailsJson, this.#http.call({ method: 'GET', path: `/v1/sites/${encodeURIComponent(site)}`, kind: 'other', ...options }));
  }

  /** Asks for one layer, or the newest version of every name. */
  startRepack(layer: string | undefined, options: CallOptions = {}): Promise<RepackStatus> {
    const query = layer === undefined ? '' : `?layer=${encodeURIComponent(layer)}`;
    return this.#json(RepackStatusJson, this.#http.call({ method: 'POST', path: `/v1/repack${query}`, kind: 'other', ...options }));
  }

  repackStatus(options: CallOptions = {}): Promise<RepackStatus> {
    return this.#json(RepackStatusJson, this.#http.call({ method: 'GET', path: '/v1/repack', kind: 'other', ...options }));
  }

  /** Begins to read and verify every pack, if that is not under way. */
  startScrub(options: CallOptions = {}): Promise<ScrubStatus> {
    return this.#json(ScrubJson, this.#http.call({ method: 'POST', path: '/v1/scrub', kind: 'other', ...options }));
  }

  scrubStatus(options: CallOptions = {}): Promise<ScrubStatus> {
    return this.#json(ScrubJson, this.#http.call({ method: 'GET', path: '/v1/scrub', kind: 'other', ...options }));
  }

  /** Ends every request under way. */
  close(): Promise<void> {
    return this.#http.close();
  }

  async #json<S extends TSchema>(schema: S, body: Promise<Uint8Array>): Promise<Static<S>> {
    return expectJson(schema, parseJson(await body), this.name);
  }

  async #layers(path: string, options: CallOptions, waitMs = 0): Promise<Layers> {
    const body = this.#http.call({ method: 'GET', path, kind: 'other', ...(waitMs === 0 ? {} : { answerTimeoutMs: 2 * waitMs + this.#http.stallTimeoutMs }), signal: options.signal });
    const { layers, cursor } = await this.#json(LayersJson, body);
    return { layers: layers.map((layer) => this.#layer(layer)), cursor };
  }

  #layer(json: LayerJson): PublishedLayer {
    return layerFromJson(json) ?? this.#broken('named a layer by ids that are none');
  }

  /** The body without its content coding, within MANIFEST_BYTES_MAX. */
  async *#decoded(answer: HttpAnswer, signal: AbortSignal | undefined): AsyncGenerator<Uint8Array, void, undefined> {
    const coding = answer.headers['content-encoding'] ?? 'identity';
    let left = MANIFEST_BYTES_MAX;
    try {
      for await (const piece of coding === 'zstd' ? unzstd(answer.body) : answer.body) {
        left -= piece.byteLength;
        if (left < 0 || (coding !== 'zstd' && coding !== 'identity')) throw this.#broken(left < 0 ? `sent a manifest of more than ${MANIFEST_BYTES_MAX} bytes` : `used the content coding ${String(coding)}`);
        yield piece;
      }
    } catch (thrown) {
      throw networkError(thrown, this.url, signal);
    }
  }

  #broken(what: string): never {
    throw new BranchcastError('BC_PROTOCOL', `${this.name} ${what}`, { details: { url: this.url } });
  }
}

function unzstd(body: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
  const decoder = createZstdDecompress();
  // Errors of the body come out of the decoder, and ending early ends the body.
  pipeline(Readable.from(body, { objectMode: false }), decoder, () => undefined);
  return decoder;
}

