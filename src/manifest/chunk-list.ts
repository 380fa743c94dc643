/** Kinds 3 and 4: the chunk list of a large file, a Merkle list of its own, decoded. */
import { FILE_CHUNKS_MAX, NODE_ENTRIES_MAX } from '../base/limits/manifests.ts';
import { DAG_CBOR_CODE, type Digest } from '../chunking/digest.ts';
import type { CborReader } from './cbor-reader.ts';
import { Children } from './children.ts';
import { ChunkTable } from './chunk-table.ts';

export class ChunkListLeaf {
  readonly kind = 'chunk-list-leaf';
  readonly level = 0;
  /** In file order; a chunk may stand here as often as the file holds it. */
  readonly chunks: ChunkTable;
  readonly lengthBytes: number;

  /** Reads what follows `[1, 3,`. */
  constructor(reader: CborReader) {
    this.chunks = ChunkTable.read(reader, NODE_ENTRIES_MAX);
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
  readonly #children: Children;

  /** Reads what follows `[1, 4,`. */
  constructor(reader: CborReader) {
    const children = new Children(reader);
    for (let index = 0; index < children.length; index += 1) {
      reader.arrayOf(3, 'child');
      const digestAt = reader.cid(DAG_CBOR_CODE, 'child');
      const length = reader.uint(Number.MAX_SAFE_INTEGER, 'length');
      const chunks = reader.uint(FILE_CHUNKS_MAX, 'chunk count');
      if (length < chunks || chunks === 0) throw reader.error(`child ${index} claims ${chunks} chunks in ${length} bytes`);
      children.set(index, digestAt, chunks, length);
    }
    reader.end();
    const { level, totalCount, totalBytes } = children;
    if (totalCount > FILE_CHUNKS_MAX) throw reader.error(`${totalCount} chunks, more than ${FILE_CHUNKS_MAX}`);
    if (!Number.isSafeInteger(totalBytes)) throw reader.error('a file of more than 2^53 - 1 bytes');
    this.level = level;
    this.lengthBytes = totalBytes;
    this.chunkCount = totalCount;
    this.#children = children;
  }

  get childCount(): number {
    return this.#children.length;
  }

  childDigest(index: number): Digest {
    return this.#children.digest(index);
  }

  childLengthBytes(index: number): number {
    return this.#children.sizeBytes(index);
  }

  childChunkCount(index: number): number {
    return this.#children.count(index);
  }
}
