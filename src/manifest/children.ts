/** The children of an interior node, of the tree or of a chunk list: where each one's digest stands, and how much its parent claims that it holds. */
import { MANIFEST_DEPTH_MAX, NODE_ENTRIES_MAX } from '../base/limits/manifests.ts';
import { DIGEST_BYTES, digestFromBytes, type Digest } from '../chunking/digest.ts';
import { sameRun } from './byte-runs.ts';
import type { CborReader } from './cbor-reader.ts';

export class Children {
  readonly level: number;
  readonly length: number;
  #totalCount = 0;
  #totalBytes = 0;
  readonly #bytes: Buffer;
  readonly #digestsAt: Uint32Array;
  readonly #counts: Float64Array;
  readonly #sizes: Float64Array;

  /** Reads the level and the number of children; the caller reads each and sets it. */
  constructor(reader: CborReader) {
    this.#bytes = reader.bytes;
    this.level = reader.uint(MANIFEST_DEPTH_MAX, 'level');
    if (this.level === 0) throw reader.error('an interior node of level 0');
    const length = reader.array('children');
    if (length === 0 || length > NODE_ENTRIES_MAX) throw reader.error(`${length} children, not 1 to ${NODE_ENTRIES_MAX}`);
    this.length = length;
    this.#digestsAt = new Uint32Array(length);
    this.#counts = new Float64Array(length);
    this.#sizes = new Float64Array(length);
  }

  /** `count` of entries or chunks, and bytes of files, below the child. */
  set(index: number, digestAt: number, count: number, sizeBytes: number): void {
    this.#digestsAt[index] = digestAt;
    this.#counts[index] = count;
    this.#sizes[index] = sizeBytes;
    this.#totalCount += count;
    this.#totalBytes += sizeBytes;
  }

  /** Entries or chunks below all of them. */
  get totalCount(): number {
    return this.#totalCount;
  }

  get totalBytes(): number {
    return this.#totalBytes;
  }

  /** That they take, their block included. */
  get memoryBytes(): number {
    return this.#bytes.byteLength + this.#digestsAt.byteLength + this.#counts.byteLength + this.#sizes.byteLength;
  }

  digest(index: number): Digest {
    return digestFromBytes(this.#bytes, this.#digestsAt[index]);
  }

  count(index: number): number {
    return this.#counts[index] as number;
  }

  sizeBytes(index: number): number {
    return this.#sizes[index] as number;
  }

  sameChild(index: number, other: Children, otherIndex: number): boolean {
    const at = this.#digestsAt[index] as number;
    const otherAt = other.#digestsAt[otherIndex] as number;
    return sameRun(this.#bytes, at, at + DIGEST_BYTES, other.#bytes, otherAt, otherAt + DIGEST_BYTES);
  }
}
