/** The table of chunks in the header of a frame or of a delta frame: digest and length of each, in the order of their bytes. docs/formats.md. */
import type { BranchcastError } from '../base/errors.ts';
import { CHUNK_BYTES_MAX } from '../base/limits/frames.ts';
import { DIGEST_BYTES, digestFromBytes, digestToBytes, type Digest } from '../chunking/digest.ts';

/** A chunk by name and length. */
export interface ChunkLength {
  readonly digest: Digest;
  readonly bytes: number;
}

export interface FrameChunk extends ChunkLength {
  /** Where it starts in the bytes of all of them. */
  readonly offsetBytes: number;
}

export const TABLE_ENTRY_BYTES = DIGEST_BYTES + 4;

/** Answers where the table ends in `header`. */
export function writeChunkTable(header: Buffer, startOffset: number, chunks: readonly ChunkLength[]): number {
  let offset = startOffset;
  for (const { digest, bytes } of chunks) {
    header.set(digestToBytes(digest), offset);
    header.writeUInt32LE(bytes, offset + DIGEST_BYTES);
    offset += TABLE_ENTRY_BYTES;
  }
  return offset;
}

/** Throws what `refuse` makes of a reason, unless the chunks are within their bounds, all different, and have `wantedBytes` together. */
export function parseChunkTable(table: Buffer, wantedBytes: number, what: string, refuse: (why: string) => BranchcastError): FrameChunk[] {
  const chunks: FrameChunk[] = [];
  const seen = new Set<Digest>();
  let offsetBytes = 0;
  for (let offset = 0; offset < table.byteLength; offset += TABLE_ENTRY_BYTES) {
    const bytes = table.readUInt32LE(offset + DIGEST_BYTES);
    if (bytes < 1 || bytes > CHUNK_BYTES_MAX) throw refuse(`a chunk of ${bytes} bytes`);
    const digest = digestFromBytes(table, offset);
    seen.add(digest);
    chunks.push({ digest, bytes, offsetBytes });
    offsetBytes += bytes;
  }
  if (offsetBytes !== wantedBytes) throw refuse(`its ${what} add up to ${offsetBytes} bytes, its header says ${wantedBytes}`);
  if (seen.size !== chunks.length) throw refuse(`a chunk stands in its ${what} twice`);
  return chunks;
}
