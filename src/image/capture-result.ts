/** What a capture adds up to. */
import type { Digest } from '../chunking/digest.ts';

export interface CaptureStats {
  readonly entryCount: number;
  readonly fileCount: number;
  readonly logicalBytes: number;
  /** Different chunks, and their bytes. */
  readonly chunkCount: number;
  readonly chunkBytes: number;
  readonly nodeCount: number;
  readonly nodeBytes: number;
}

export interface SkippedPath {
  /** Below the tree, for people. */
  readonly path: string;
  readonly reason: string;
}

export interface Capture {
  readonly root: Digest;
  readonly stats: CaptureStats;
  /** The first LISTED_PATHS_MAX of the `skippedCount` entries that a layer cannot hold. */
  readonly skipped: readonly SkippedPath[];
  readonly skippedCount: number;
}
