/**
 * What the inodes of a target looked like when their content was last known to be right: inode number and change time, which
 * no ordinary program can set back. One record for each entry of the manifest, in its order: 16 bytes, the inode number and the
 * change time in nanoseconds, little-endian; zeros where nothing is known. Before them `BCSTAT01` and the root's 32 bytes.
 */
import type { BigIntStats } from 'node:fs';
import { DIGEST_BYTES, digestFromBytes, digestToBytes, type Digest } from '../chunking/digest.ts';
import { readIfThere, writeDurably } from './state-file.ts';

const MAGIC = Buffer.from('BCSTAT01');
const HEADER_BYTES = MAGIC.byteLength + DIGEST_BYTES;
const RECORD_BYTES = 16;
const RECORDS_AT_FIRST = 1024;

export class StatCache {
  readonly root: Digest;
  #records: Buffer;
  #view: DataView;
  #count = 0;

  constructor(root: Digest, records: Buffer = Buffer.alloc(RECORDS_AT_FIRST * RECORD_BYTES), count = 0) {
    this.root = root;
    this.#records = records;
    this.#view = viewOf(records);
    this.#count = count;
  }

  /** The cache in the file, or an empty one if that is of another root, or damaged, or not there. */
  static load(path: string, root: Digest): StatCache {
    const bytes = readIfThere(path);
    if (bytes === undefined || bytes.byteLength < HEADER_BYTES || !bytes.subarray(0, MAGIC.byteLength).equals(MAGIC)) return new StatCache(root);
    if (digestFromBytes(bytes, MAGIC.byteLength) !== root) return new StatCache(root);
    const records = bytes.subarray(HEADER_BYTES);
    return new StatCache(root, records, Math.floor(records.byteLength / RECORD_BYTES));
  }

  /** Entries up to the last that is recorded. */
  get count(): number {
    return this.#count;
  }

  /** The entry is the same inode as when it was recorded, and nothing about it has changed since. */
  matches(index: number, stat: Pick<BigIntStats, 'ino' | 'ctimeNs'>): boolean {
    if (index >= this.#count) return false;
    const at = index * RECORD_BYTES;
    return this.#view.getBigInt64(at + 8, true) === stat.ctimeNs && this.#view.getBigUint64(at, true) === stat.ino;
  }

  /** What is recorded of an entry; undefined if nothing is. */
  at(index: number): Pick<BigIntStats, 'ino' | 'ctimeNs'> | undefined {
    if (index >= this.#count) return undefined;
    const at = index * RECORD_BYTES;
    const ino = this.#view.getBigUint64(at, true);
    return ino === 0n ? undefined : { ino, ctimeNs: this.#view.getBigInt64(at + 8, true) };
  }

  hasInode(index: number, ino: bigint): boolean {
    return index < this.#count && this.#view.getBigUint64(index * RECORD_BYTES, true) === ino;
  }

  /** Records an entry, or forgets it. */
  set(index: number, stat: Pick<BigIntStats, 'ino' | 'ctimeNs'> | undefined): void {
    const at = index * RECORD_BYTES;
    if (at + RECORD_BYTES > this.#records.byteLength) {
      const grown = Buffer.alloc(Math.max(at + RECORD_BYTES, this.#records.byteLength * 2));
      this.#records.copy(grown);
      this.#records = grown;
      this.#view = viewOf(grown);
    }
    this.#view.setBigUint64(at, stat?.ino ?? 0n, true);
    this.#view.setBigInt64(at + 8, stat?.ctimeNs ?? 0n, true);
    this.#count = Math.max(this.#count, index + 1);
  }

  save(path: string): void {
    writeDurably(path, Buffer.concat([MAGIC, digestToBytes(this.root), this.#records.subarray(0, this.#count * RECORD_BYTES)]));
  }
}

/** What reads and writes 64 bits in one go; a Buffer does it byte by byte. */
function viewOf(records: Buffer): DataView {
  return new DataView(records.buffer, records.byteOffset, records.byteLength);
}
