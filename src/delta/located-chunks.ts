/** Chunks and nodes of a store that is elsewhere (on another thread): located in batches, read frame by frame, decoded here. */
import { hasCode } from '../base/errors.ts';
import { freeBytes } from '../base/free-bytes.ts';
import { DELTA_DECODED_BYTES_MAX, DELTA_DECODED_FRAMES_MAX, DELTA_LOCATE_DIGESTS } from '../base/limits/deltas.ts';
import type { Digest } from '../chunking/digest.ts';
import { frameKey, storedShare, type ChunkLocation, type FrameLocation } from '../store/chunk-store.ts';
import { decodeOwnFrame } from '../store/frame-decode.ts';
import type { Chunk } from '../store/frame-encode.ts';

export interface FrameSource {
  /** Where each is; undefined for what is not stored. */
  locate(digests: readonly Digest[]): Promise<readonly (ChunkLocation | undefined)[]>;
  /** A frame as stored, in memory that is the caller's now; undefined if it is not there any more, or damaged. */
  readFrame(location: FrameLocation): Promise<Uint8Array | undefined>;
}

interface DecodedFrame {
  readonly chunks: ReadonlyMap<Digest, Uint8Array>;
  readonly rawBytes: number;
  /** What all chunks are views of. */
  readonly memory: Uint8Array;
}

export class LocatedChunks {
  readonly #source: FrameSource;
  readonly #locations = new Map<Digest, ChunkLocation>();
  /** By place, the least recently used first. */
  readonly #decoded = new Map<string, DecodedFrame>();
  #decodedBytes = 0;

  constructor(source: FrameSource) {
    this.#source = source;
  }

  /** Locates all of these, so that `read` and `storedBytes` need not ask for each. */
  async locate(digests: readonly Digest[]): Promise<void> {
    for (let from = 0; from < digests.length; from += DELTA_LOCATE_DIGESTS) {
      const batch = digests.slice(from, from + DELTA_LOCATE_DIGESTS);
      (await this.#source.locate(batch)).forEach((location, at) => {
        if (location !== undefined) this.#locations.set(batch[at] as Digest, location);
      });
    }
  }

  /** Not to be written to, valid until the next call; undefined if the store lacks it or has it damaged. One call at a time. */
  async read(digest: Digest): Promise<Uint8Array | undefined> {
    if (!this.#locations.has(digest)) await this.locate([digest]);
    const bytes = await this.#readLocated(digest);
    if (bytes !== undefined) return bytes;
    // Its frame may have gone since it was located, and the chunk stand in another.
    this.#locations.delete(digest);
    await this.locate([digest]);
    return this.#readLocated(digest);
  }

  async #readLocated(digest: Digest): Promise<Uint8Array | undefined> {
    const location = this.#locations.get(digest);
    if (location === undefined) return undefined;
    const key = frameKey(location);
    const frame = this.#decoded.get(key) ?? (await this.#readFrame(location));
    if (frame === undefined) return undefined;
    this.#decoded.delete(key);
    this.#decoded.set(key, frame);
    this.#makeRoom();
    return frame.chunks.get(digest);
  }

  async #readFrame(location: FrameLocation): Promise<DecodedFrame | undefined> {
    const frame = await this.#source.readFrame(location);
    const chunks = frame === undefined ? undefined : decoded(frame);
    if (frame === undefined || chunks?.[0] === undefined) return undefined;
    // Chunks of a frame that is stored uncompressed are views of it.
    if (chunks[0].bytes.buffer !== frame.buffer) freeBytes(frame);
    this.#decodedBytes += location.rawBytes;
    return { chunks: new Map(chunks.map(({ digest, bytes }) => [digest, bytes])), rawBytes: location.rawBytes, memory: chunks[0].bytes };
  }

  /** The latest stays in any case. */
  #makeRoom(): void {
    for (const [key, { rawBytes, memory }] of this.#decoded) {
      const fits = this.#decodedBytes <= DELTA_DECODED_BYTES_MAX && this.#decoded.size <= DELTA_DECODED_FRAMES_MAX;
      if (fits || this.#decoded.size === 1) return;
      this.#decoded.delete(key);
      this.#decodedBytes -= rawBytes;
      freeBytes(memory);
    }
  }

  /** Of a chunk that was located and found. */
  locationOf(digest: Digest): ChunkLocation | undefined {
    return this.#locations.get(digest);
  }

  /** The share of its frame that a located chunk takes; 0 for one that is not stored. */
  storedBytes(digest: Digest): number {
    const location = this.#locations.get(digest);
    return location === undefined ? 0 : storedShare(location);
  }
}

function decoded(frame: Uint8Array): Chunk[] | undefined {
  try {
    return decodeOwnFrame(frame);
  } catch (error) {
    // Rot: whoever owns the store finds it too when it is read there.
    if (hasCode(error, 'BC_FRAME_MALFORMED')) return undefined;
    throw error;
  }
}
