/** Parameters of chunking. They are written in the layer descriptor; the same tree cut with the same parameters gives the same chunks. */
import { KiB } from '../base/units.ts';

export interface ChunkerParams {
  /** Version of the algorithm: gear table, normalisation, bundling. */
  readonly algorithm: 'gear64-1';
  /** No cut before this many bytes (only the last chunk of a file may be shorter). */
  readonly minBytes: number;
  /** Around this size the cut condition relaxes (normalised chunking, Xia et al., FastCDC, 2020). A power of two. */
  readonly avgBytes: number;
  /** A cut is forced here. */
  readonly maxBytes: number;
  /** Files up to this size are small: they share chunks (bundles). Never above maxBytes. */
  readonly smallFileBytesMax: number;
}

export const DEFAULT_CHUNKER_PARAMS: ChunkerParams = {
  algorithm: 'gear64-1',
  minBytes: 16 * KiB,
  avgBytes: 64 * KiB,
  maxBytes: 256 * KiB,
  smallFileBytesMax: 32 * KiB,
};
