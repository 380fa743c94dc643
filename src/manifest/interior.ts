/** Kind 2: an interior node of the tree, decoded: for each child its last key, its digest, and what it claims to hold. */
import { MANIFEST_DEPTH_MAX, MANIFEST_ENTRIES_MAX, NODE_ENTRIES_MAX } from '../base/limits.ts';
import { DAG_CBOR_CODE, DIGEST_BYTES, digestFromBytes, type Digest } from '../chunking/digest.ts';
import { sameRun } from './byte-runs.ts';
import type { CborReader } from './cbor-reader.ts';
import { KeyColumn } from './key-column.ts';

export class Interior {
  readonly kind = 'interior';
  readonly level: number;
  /** The last key below each child. */
  readonly keys: KeyColumn;
  readonly entryCount: number;
  readonly logicalBytes: number;
  readonly #bytes: Buffer;
  readonly #digestsAt: Uint32Array;
  readonly #entryCounts: Float64Array;
  readonly #logicalBytes: Float64Array;

  /** Reads what follows `[1, 2,`. */
  constructor(reader: CborReader) {
    this.#bytes = reader.bytes;
    this.level = reader.uint(MANIFEST_DEPTH_MAX, 'level');
    if (this.level === 0) throw reader.error('an interior node of level 0');
    const count = reader.array('children');
    if (count === 0 || count > NODE_ENTRIES_MAX) throw reader.error(`${count} children, not 1 to ${NODE_ENTRIES_MAX}`);
    this.keys = new KeyColumn(count);
    this.#digestsAt = new Uint32Array(count);
    this.#entryCounts = new Float64Array(count);
    this.#logicalBytes = new Float64Array(count);
    let entryCount = 0;
    let logicalBytes = 0;
    for (let index = 0; index < count; index += 1) {
      reader.arrayOf(5, 'child');
      this.keys.read(reader);
      this.#digestsAt[index] = reader.cid(DAG_CBOR_CODE, 'child');
      const entries = reader.uint(MANIFEST_ENTRIES_MAX, 'entry count');
      const bytes = reader.uint(Number.MAX_SAFE_INTEGER, 'logical bytes');
      if (entries === 0) throw reader.error(`child ${index} claims to be empty`);
      this.#entryCounts[index] = entries;
      this.#logicalBytes[index] = bytes;
      entryCount += entries;
      logicalBytes += bytes;
    }
    reader.end();
    if (entryCount > MANIFEST_ENTRIES_MAX) throw reader.error(`${entryCount} entries, more than ${MANIFEST_ENTRIES_MAX}`);
    if (!Number.isSafeInteger(logicalBytes)) throw reader.error('files are larger than 2^53 - 1 bytes together');
    this.entryCount = entryCount;
    this.logicalBytes = logicalBytes;
  }

  get childCount(): number {
    return this.keys.length;
  }

  childDigest(index: number): Digest {
    return digestFromBytes(this.#bytes, this.#digestsAt[index]);
  }

  childEntryCount(index: number): number {
    return this.#entryCounts[index] as number;
  }

  childLogicalBytes(index: number): number {
    return this.#logicalBytes[index] as number;
  }

  sameChild(index: number, other: Interior, otherIndex: number): boolean {
    const at = this.#digestsAt[index] as number;
    const otherAt = other.#digestsAt[otherIndex] as number;
    return sameRun(this.#bytes, at, at + DIGEST_BYTES, other.#bytes, otherAt, otherAt + DIGEST_BYTES);
  }
}
