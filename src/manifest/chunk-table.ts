/** The chunks of a leaf or of a chunk list leaf: `[[CID(raw), lengthBytes], …]`, read in place. */
import { CHUNK_BYTES_MAX } from '../base/limits/frames.ts';
import { DIGEST_BYTES, digestFromBytes, RAW_CODE, type Digest } from '../chunking/digest.ts';
import { sameRun } from './byte-runs.ts';
import type { CborReader } from './cbor-reader.ts';
import type { ChunkLengths } from './chunk-lengths.ts';

/** Where its digest stands, its length, and its digest as text with V8's header and the pointer to it. */
const CHUNK_MEMORY_BYTES = 4 + 4 + 2 * DIGEST_BYTES + 24;

export class ChunkTable {
  readonly length: number;
  readonly #bytes: Buffer;
  readonly #digestsAt: Uint32Array;
  readonly #lengths: Uint32Array;
  readonly #digests: (Digest | undefined)[] = [];

  /** Of each chunk where its digest stands in `bytes`, and its length. */
  constructor(bytes: Buffer, digestsAt: Uint32Array, lengths: Uint32Array) {
    this.length = digestsAt.length;
    this.#bytes = bytes;
    this.#digestsAt = digestsAt;
    this.#lengths = lengths;
  }

  /** That it takes beside the node's block when all digests have been asked for. */
  get memoryBytes(): number {
    return this.length * CHUNK_MEMORY_BYTES;
  }

  /** Reads a table. `max` bounds how many chunks it may name. */
  static read(reader: CborReader, max: number): ChunkTable {
    const count = reader.array('chunks');
    if (count > max) throw reader.error(`${count} chunks, more than ${max}`);
    const [digestsAt, lengths] = [new Uint32Array(count), new Uint32Array(count)];
    for (let index = 0; index < count; index += 1) {
      reader.arrayOf(2, 'chunk');
      digestsAt[index] = reader.cid(RAW_CODE, 'chunk');
      const length = reader.uint(CHUNK_BYTES_MAX, 'chunk length');
      if (length === 0) throw reader.error(`chunk ${index} is empty`);
      lengths[index] = length;
    }
    return new ChunkTable(reader.bytes, digestsAt, lengths);
  }

  digest(index: number): Digest {
    const known = this.#digests[index];
    if (known !== undefined) return known;
    const digest = digestFromBytes(this.#bytes, this.#digestsAt[index]);
    this.#digests[index] = digest;
    return digest;
  }

  lengthBytes(index: number): number {
    return this.#lengths[index] as number;
  }

  sameChunk(index: number, other: ChunkTable, otherIndex: number): boolean {
    const at = this.#digestsAt[index] as number;
    const otherAt = other.#digestsAt[otherIndex] as number;
    return sameRun(this.#bytes, at, at + DIGEST_BYTES, other.#bytes, otherAt, otherAt + DIGEST_BYTES);
  }

  /** Refuses a table that names a chunk twice. */
  refuseRepeats(reader: CborReader): void {
    const seen = new Set<string>();
    for (const at of this.#digestsAt) seen.add(this.#bytes.toString('latin1', at, at + DIGEST_BYTES));
    if (seen.size !== this.length) throw reader.error('a chunk stands twice in the table');
  }

  /** Notes a chunk in `lengths`, and answers as that does. */
  note(index: number, lengths: ChunkLengths): number | undefined {
    return lengths.note(this.#bytes, this.#digestsAt[index] as number, this.lengthBytes(index));
  }

  indices(): Iterable<number> {
    return this.#lengths.keys();
  }

  totalBytes(): number {
    let total = 0;
    for (const length of this.#lengths) total += length;
    return total;
  }
}
