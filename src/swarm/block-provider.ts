import type { Digest } from '../chunking/digest.ts';
import type { LayerRecord } from '../transfer/chunk-source.ts';

/** What there is to serve. Every call ends soon after its signal has fired: the client has gone or cancelled. */
export interface BlockProvider {
  /** undefined: there is no such layer. */
  resolveLayer(ref: string, signal: AbortSignal): Promise<LayerRecord | undefined>;
  /** Frames of the nodes under `root` that the manifests `have` lack, parents first. */
  manifestFrames(root: Digest, have: readonly Digest[], signal: AbortSignal): AsyncIterable<Uint8Array>;
  /** Frames that together hold the chunks, each with at least one of them; chunks that cannot be had are left out. */
  frames(digests: readonly Digest[], signal: AbortSignal): AsyncIterable<Uint8Array>;
}
