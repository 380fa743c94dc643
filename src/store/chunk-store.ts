/**
 * The ChunkStore contract: bytes named by their BLAKE3 digest, kept in frames. Chunks of files and nodes of manifests are
 * alike to it. Every implementation passes test/conformance/chunk-store.ts.
 */
import type { Digest } from '../chunking/digest.ts';

/** Where a frame stands. Stale after eviction or compaction: readFrame then answers undefined, and the caller locates again. */
export interface FrameLocation {
  /** `[a-z0-9]{1,32}`; unique in a store for all time. */
  readonly packId: string;
  readonly offsetBytes: number;
  /** The whole frame as stored: header, table, payload. */
  readonly storedBytes: number;
  /** Sum of its chunks' lengths. */
  readonly rawBytes: number;
}

export interface ChunkLocation extends FrameLocation {
  /** Length of the chunk itself. */
  readonly chunkBytes: number;
}

/** Names a frame by its place: a pack only grows, and its name is never used again, so what stands at a place stays that. */
export function frameKey({ packId, offsetBytes }: Pick<FrameLocation, 'packId' | 'offsetBytes'>): string {
  return `${packId}/${offsetBytes}`;
}

/** What a chunk takes of the packs: its part of its frame, as if all chunks of that compressed alike. Not a whole number. */
export function storedShare({ storedBytes, rawBytes, chunkBytes }: ChunkLocation): number {
  return (storedBytes * chunkBytes) / rawBytes;
}

export interface PutResult {
  /** Chunks that were not there before. */
  readonly newChunkCount: number;
  /** Raw and stored (compressed, with frame headers) bytes by which the store grew. */
  readonly newRawBytes: number;
  readonly newStoredBytes: number;
}

export interface StoreStats {
  readonly chunkCount: number;
  readonly frameCount: number;
  readonly packCount: number;
  /** Bytes of chunks before compression. */
  readonly rawBytes: number;
  /** Bytes on the disk in packs. */
  readonly storedBytes: number;
  readonly quotaBytes: number | undefined;
  /** Stored bytes that eviction may not touch; 0 where there is no quota. */
  readonly pinnedBytes: number;
  readonly evictedBytes: number;
  readonly hitCount: number;
  readonly missCount: number;
  readonly corruptCount: number;
}

export interface ScrubReport {
  readonly frameCount: number;
  readonly chunkCount: number;
  readonly rawBytes: number;
  /** Digests that did not read back right; they are dropped, so that the next fetch heals them. */
  readonly dropped: readonly Digest[];
}

export interface ScrubOptions {
  readonly signal?: AbortSignal;
  readonly onProgress?: (doneStoredBytes: number, totalStoredBytes: number) => void;
}

export interface ChunkStore {
  /**
   * One answer for each digest, in order. Synchronous: the index is memory or LevelDB's getSync (10 times the speed of a
   * promise a lookup).
   */
  has(digests: readonly Digest[]): boolean[];

  /** Where each chunk is; undefined for what is not stored. Counts a hit or a miss for each and freshens it for eviction. */
  locate(digests: readonly Digest[]): (ChunkLocation | undefined)[];

  /**
   * The chunk's bytes, verified against its digest, not to be written to; undefined if it is not stored. Rot is dropped from the index
   * with its whole frame, counted, and thrown as BC_CHUNK_CORRUPT naming the pack.
   */
  get(digest: Digest): Promise<Uint8Array | undefined>;

  /**
   * The stored bytes of one frame, as they were put, crc-checked but not decompressed; undefined if the location is stale.
   * A frame that fails its crc is dropped (all its chunks) and thrown as BC_CHUNK_CORRUPT.
   */
  readFrame(location: FrameLocation): Promise<Uint8Array | undefined>;

  /**
   * Frames for keeping. Resolves when they are durable (fdatasync) and readable; concurrent calls share a sync (group commit).
   * Each frame is decompressed within its bound and every chunk of it verified before a byte is accepted: BC_FRAME_MALFORMED,
   * BC_CHUNK_CORRUPT; then nothing of this call is kept. A frame whose chunks are all stored already is not stored again; one with a
   * new chunk is stored whole, and its copies of known chunks are found from then on.
   * Over quota: evicts first, then writes; if that frees too little, BC_QUOTA_EXCEEDED. Full disk: BC_DISK_FULL with `details.shortfallBytes`;
   * the store stays usable (of this call, leading frames may have been kept). The frames must not be overwritten before the call ends.
   */
  put(frames: readonly Uint8Array[]): Promise<PutResult>;

  /** Exempts these chunks, now or when they come, from eviction until `unpin(name)`. Replaces an earlier pin of the name. Pins live in memory: the owner pins again after a restart. */
  pin(name: string, digests: Iterable<Digest>): void;
  unpin(name: string): void;

  stats(): StoreStats;

  /** Reads and verifies everything, beside normal work. */
  scrub(options?: ScrubOptions): Promise<ScrubReport>;

  /** Waits for writes under way, then lets go of files. Any later call throws or rejects with BC_STORE_CLOSED. May be called twice. */
  close(): Promise<void>;
}

/** What a core does to its packs in the background. */
export interface PackKeeper {
  /**
   * Frames of chunks that are stored already, in frames that are better to send. Verified as `put` does it, durable when it resolves; the chunks are found in
   * the new frames from then on, all at once, and the old ones stay readable until `reclaim`. Answers the bytes that were written.
   */
  restore(frames: readonly Uint8Array[]): Promise<number>;
  /** Gives up packs of which little is found any more and that nobody reads, one after the other until the signal fires. Answers the bytes that became free. */
  reclaim(signal?: AbortSignal): Promise<number>;
}

/** What the core offers beyond the contract: its packs are read by byte range over HTTP. */
export interface PackReader {
  /** Committed length of a pack; undefined if there is none. A pack only grows until it is sealed, then never changes. */
  packBytes(packId: string): number | undefined;
  /** Bytes [start, end) of a pack's committed part. The pack is not evicted while the stream is open. */
  readPack(packId: string, startBytes: number, endBytes: number, signal?: AbortSignal): AsyncIterable<Uint8Array>;
}
