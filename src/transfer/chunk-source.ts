/**
 * The ChunkSource contract: somebody who may have what is missing. A reflector over the LAN, the core over the WAN, and
 * later peers, all look like this. Nothing that a source says is believed: transfer/verify.ts checks every byte.
 */
import type { Digest } from '../chunking/digest.ts';
import type { ManifestBlock } from '../manifest/entry.ts';

export type SourceKind = 'reflector' | 'peers' | 'core';

/** A layer as the catalog names it. */
export interface LayerRecord {
  /** `base/debian`, without the version. */
  readonly name: string;
  readonly version: string;
  /** Digest of the manifest's root node. */
  readonly root: Digest;
  /** Digest of the layer descriptor (a DAG-CBOR block beside the manifest). */
  readonly descriptor: Digest;
}

export interface SourceOptions {
  readonly signal: AbortSignal;
}

/** What the caller holds of older versions, so that a source may send what is wanted as deltas against it. */
export interface OldContent {
  /** The version of which the chunks are wanted. */
  readonly to: Digest;
  /** Versions whose chunks are here, as far as is known. */
  readonly from: readonly Digest[];
  /** A chunk of one of them, verified; undefined if it is not here after all. */
  read(digest: Digest): Promise<Uint8Array | undefined>;
}

export interface FrameOptions extends SourceOptions {
  /** Undefined: no deltas. */
  readonly old?: OldContent | undefined;
  /** A delta came. The frame that is yielded next was made of it; `frameBytes` is 0 where it could not be used. */
  readonly onDelta?: ((made: DeltaUse) => void) | undefined;
  /** No delta comes any more: what is yielded from now on is as the source stores it. */
  readonly onDeltasEnd?: (() => void) | undefined;
}

export interface DeltaUse {
  readonly deltaBytes: number;
  readonly frameBytes: number;
  /** What the source would have sent without deltas. */
  readonly fullBytes: number;
}

export interface ChunkSource {
  /** For messages: `reflector 12D3Koo…xyz`, `core https://core:7400`. */
  readonly name: string;
  readonly kind: SourceKind;

  /** `name@version`, or `name` for the newest version. undefined: the source knows no such layer. */
  resolveLayer(ref: string, options: SourceOptions): Promise<LayerRecord | undefined>;

  /**
   * Nodes of the manifest under `root`, less those that the manifests `have` hold (a hint: more
   * may come). A parent comes before its children. Not verified.
   */
  fetchManifest(root: Digest, have: readonly Digest[], options: SourceOptions): AsyncIterable<ManifestBlock>;

  /** One block by digest (a descriptor, a node), or undefined. Not verified. */
  fetchBlock(digest: Digest, options: SourceOptions): Promise<Uint8Array | undefined>;

  /**
   * Frames that together hold the wanted chunks; they may hold others, in any order. Ends when the source has sent what it
   * can: wanted chunks that did not come are missing there. Pull-based: the next frame is asked for when the consumer wants it.
   * Throws BC_CONNECTION_LOST, BC_BUSY (`details.retryAfterMs`), BC_PROTOCOL, BC_TIMEOUT. Frames are not verified. The memory of each is
   * its taker's alone, who may give it back (base/free-bytes.ts).
   */
  fetchFrames(digests: readonly Digest[], options: FrameOptions): AsyncIterable<Uint8Array>;
}
