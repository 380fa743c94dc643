/** Kind 2: an interior node of the tree, decoded: for each child its last key, its digest, and what it claims to hold. */
import { MANIFEST_ENTRIES_MAX } from '../base/limits/manifests.ts';
import { DAG_CBOR_CODE, type Digest } from '../chunking/digest.ts';
import type { CborReader } from './cbor-reader.ts';
import { Children } from './children.ts';
import { KeyColumn } from './key-column.ts';

export class Interior {
  readonly kind = 'interior';
  readonly level: number;
  /** The last key below each child. */
  readonly keys: KeyColumn;
  readonly entryCount: number;
  readonly logicalBytes: number;
  readonly #children: Children;

  /** Reads what follows `[1, 2,`. */
  constructor(reader: CborReader) {
    const children = new Children(reader);
    this.keys = new KeyColumn(children.length);
    for (let index = 0; index < children.length; index += 1) {
      reader.arrayOf(5, 'child');
      this.keys.read(reader);
      const digestAt = reader.cid(DAG_CBOR_CODE, 'child');
      const entries = reader.uint(MANIFEST_ENTRIES_MAX, 'entry count');
      const bytes = reader.uint(Number.MAX_SAFE_INTEGER, 'logical bytes');
      if (entries === 0) throw reader.error(`child ${index} claims to be empty`);
      children.set(index, digestAt, entries, bytes);
    }
    reader.end();
    const { level, totalCount, totalBytes } = children;
    if (totalCount > MANIFEST_ENTRIES_MAX) throw reader.error(`${totalCount} entries, more than ${MANIFEST_ENTRIES_MAX}`);
    if (!Number.isSafeInteger(totalBytes)) throw reader.error('files are larger than 2^53 - 1 bytes together');
    this.level = level;
    this.entryCount = totalCount;
    this.logicalBytes = totalBytes;
    this.#children = children;
  }

  /** That it takes, its block included. */
  get memoryBytes(): number {
    return this.keys.memoryBytes + this.#children.memoryBytes;
  }

  get childCount(): number {
    return this.#children.length;
  }

  childDigest(index: number): Digest {
    return this.#children.digest(index);
  }

  childEntryCount(index: number): number {
    return this.#children.count(index);
  }

  childLogicalBytes(index: number): number {
    return this.#children.sizeBytes(index);
  }

  sameChild(index: number, other: Interior, otherIndex: number): boolean {
    return this.#children.sameChild(index, other.#children, otherIndex);
  }
}
