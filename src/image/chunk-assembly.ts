/** Chunks that several small files share, put together again from the files as they are read in key order. */
import type { Digest } from '../chunking/digest.ts';
import type { Place } from './place-table.ts';

/** A bundle is a run of files in key order, so that one is open at a time; a few more cost nothing. */
const OPEN_CHUNKS_MAX = 4;

interface OpenChunk {
  readonly bytes: Uint8Array;
  filledBytes: number;
}

export class ChunkAssembly {
  readonly #open = new Map<Digest, OpenChunk>();

  /** Takes the bytes at a place. Answers the chunk when they complete it: not verified, valid until the next call. */
  add(place: Place, bytes: Uint8Array): Uint8Array | undefined {
    const { digest, chunkBytes, chunkOffsetBytes } = place;
    if (chunkOffsetBytes === 0 && bytes.byteLength === chunkBytes) return bytes;
    const chunk = chunkOffsetBytes === 0 ? this.#begin(digest, chunkBytes) : this.#open.get(digest);
    if (chunk === undefined || chunk.filledBytes !== chunkOffsetBytes) return undefined;
    if (chunkOffsetBytes + bytes.byteLength > chunkBytes) return undefined;
    chunk.bytes.set(bytes, chunkOffsetBytes);
    chunk.filledBytes += bytes.byteLength;
    if (chunk.filledBytes < chunkBytes) return undefined;
    this.#open.delete(digest);
    return chunk.bytes;
  }

  #begin(digest: Digest, chunkBytes: number): OpenChunk {
    for (const oldest of this.#open.keys()) {
      if (this.#open.size < OPEN_CHUNKS_MAX) break;
      this.#open.delete(oldest);
    }
    const chunk = { bytes: new Uint8Array(chunkBytes), filledBytes: 0 };
    this.#open.set(digest, chunk);
    return chunk;
  }
}
