/** Kinds 3 and 4: the chunk list of a large file, a Merkle list of its own, decoded. */
import { FILE_CHUNKS_MAX, MANIFEST_DEPTH_MAX, NODE_ENTRIES_MAX } from '../base/limits.ts';
import { DAG_CBOR_CODE, digestFromBytes, type Digest } from '../chunking/digest.ts';
import type { CborReader } from './cbor-reader.ts';
import { ChunkTable } from './chunk-table.ts';

export class ChunkListLeaf {
  readonly kind = 'chunk-list-leaf';
  readonly level = 0;
  /** In file order; a chunk may stand here as often as the file holds it. */
  readonly chunks: ChunkTable;
  readonly lengthBytes: number;

  /** Reads what follows `[1, 3,`. */
  constructor(reader: CborReader) {
    this.chunks = new ChunkTable(reader, NODE_ENTRIES_MAX);
    if (this.chunks.length === 0) throw reader.error('an empty chunk list');
    reader.end();
    this.lengthBytes = this.chunks.totalBytes();
  }

  get chunkCount(): number {
    return this.chunks.length;
  }
}

export class ChunkListInterior {
  readonly kind = 'chunk-list-interior';
  readonly level: number;
  readonly lengthBytes: number;
  readonly chunkCount: number;
  readonly #bytes: Buffer;
  readonly #digestsAt: Uint32Array;
  readonly #lengths: Float64Array;
  readonly #chunkCounts: Float64Array;

  /** Reads what follows `[1, 4,`. */
  constructor(reader: CborReader) {
    this.#bytes = reader.bytes;
    this.level = reader.uint(MANIFEST_DEPTH_MAX, 'level');
    if (this.level === 0) throw reader.error('an interior node of level 0');
    const count = reader.array('children');
    if (count === 0 || count > NODE_ENTRIES_MAX) throw reader.error(`${count} children, not 1 to ${NODE_ENTRIES_MAX}`);
    this.#digestsAt = new Uint32Array(count);
    this.#lengths = new Float64Array(count);
    this.#chunkCounts = new Float64Array(count);
    let lengthBytes = 0;
    let chunkCount = 0;
    for (let index = 0; index < count; index += 1) {
      reader.arrayOf(3, 'child');
      this.#digestsAt[index] = reader.cid(DAG_CBOR_CODE, 'child');
      const length = reader.uint(Number.MAX_SAFE_INTEGER, 'length');
      const chunks = reader.uint(FILE_CHUNKS_MAX, 'chunk count');
      if (length < chunks || chunks === 0) throw reader.error(`child ${index} claims ${chunks} chunks in ${length} bytes`);
      this.#lengths[index] = length;
      this.#chunkCounts[index] = chunks;
      lengthBytes += length;
      chunkCount += chunks;
    }
    reader.end();
    if (chunkCount > FILE_CHUNKS_MAX) throw reader.error(`${chunkCount} chunks, more than ${FILE_CHUNKS_MAX}`);
    if (!Number.isSafeInteger(lengthBytes)) throw reader.error('a file of more than 2^53 - 1 bytes');
    this.lengthBytes = lengthBytes;
    this.chunkCount = chunkCount;
  }

  get childCount(): number {
    return this.#digestsAt.length;
  }

  childDigest(index: number): Digest {
    return digestFromBytes(this.#bytes, this.#digestsAt[index]);
  }

  childLengthBytes(index: number): number {
    return this.#lengths[index] as number;
  }

  childChunkCount(index: number): number {
    return this.#chunkCounts[index] as number;
  }
}
