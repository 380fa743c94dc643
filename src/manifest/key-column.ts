/** The keys of one node: ascending, each sharing as many bytes as possible with the one before it. Kept in one buffer, not in an object each. */
import { NAME_BYTES_MAX, PATH_BYTES_MAX } from '../base/limits/manifests.ts';
import { nodeError } from './node-error.ts';
import { compareRuns } from './byte-runs.ts';
import type { CborReader } from './cbor-reader.ts';
import type { PathKey } from './entry.ts';
import { DOT, keyProblem, NUL, SLASH } from './key.ts';

/** Room for a key of usual length; the buffer grows as it must. */
const KEY_BYTES_USUAL = 48;

export class KeyColumn {
  length = 0;
  #bytes: Buffer;
  #ends: Uint32Array;

  /** Room for `capacity` keys. The caller has bounded it. */
  constructor(capacity: number) {
    this.#bytes = Buffer.allocUnsafe(capacity * KEY_BYTES_USUAL);
    this.#ends = new Uint32Array(capacity);
  }

  /** Keys that have been read: one after the other in `bytes`, each up to its end. */
  static of(bytes: Buffer, ends: Uint32Array): KeyColumn {
    const column = new KeyColumn(0);
    column.#bytes = bytes;
    column.#ends = ends;
    column.length = ends.length;
    return column;
  }

  /** That the keys take, which may be many times what they took in the node. */
  get memoryBytes(): number {
    return this.#bytes.byteLength + this.#ends.byteLength;
  }

  /** Reads `shared, suffix` and appends the key. Refuses keys that do not ascend, that share too little, or that are unsafe. */
  read(reader: CborReader): void {
    const { length } = this;
    const previousStart = this.#start(length - 1);
    const start = this.#start(length);
    const shared = reader.uint(PATH_BYTES_MAX, 'shared');
    const suffixLength = reader.bytesLength(PATH_BYTES_MAX, 'key');
    if (shared > start - previousStart) throw reader.error(`key ${length} shares ${shared} bytes with one of ${start - previousStart}`);
    const end = start + shared + suffixLength;
    if (end > this.#bytes.length) this.#grow(end);
    const bytes = this.#bytes;
    // Byte by byte: keys are short, and a call of copy() costs more than that.
    for (let at = 0; at < shared; at += 1) bytes[start + at] = bytes[previousStart + at] as number;
    const { position, bytes: source } = reader;
    // One name's end, and no longer than a name may be: there is nothing in it that could be wrong, unless it is all dots.
    let isPlain = end - start <= NAME_BYTES_MAX && source[position + suffixLength - 1] !== DOT;
    for (let at = 0; at < suffixLength; at += 1) {
      const byte = source[position + at] as number;
      bytes[start + shared + at] = byte;
      if (byte === NUL || byte === SLASH) isPlain = false;
    }
    // The first byte that differs must be greater; it also proves that no more could have been shared.
    const ascends = length === 0 || (suffixLength > 0 && (previousStart + shared === start || (bytes[start + shared] as number) > (bytes[previousStart + shared] as number)));
    if (!ascends) throw reader.error(`key ${length} does not come after the key before it, or shares more with it than it says`);
    reader.position += suffixLength;
    const problem = isPlain ? undefined : keyProblem(bytes, start, end, shared);
    if (problem !== undefined) throw nodeError(problem.code, reader.node, `key ${length}: ${problem.what}`);
    this.#ends[length] = end;
    this.length += 1;
  }

  /** A view: it keeps the column's buffer alive (of a leaf that the kernel read, all that was made of it), but not the node. */
  at(index: number): PathKey {
    return this.#bytes.subarray(this.#start(index), this.#ends[index]);
  }

  /** Order of a key against one of another column. */
  compare(index: number, other: KeyColumn, otherIndex: number): number {
    return compareRuns(this.#bytes, this.#start(index), this.#ends[index] as number, other.#bytes, other.#start(otherIndex), other.#ends[otherIndex] as number);
  }

  compareTo(index: number, key: PathKey): number {
    return compareRuns(this.#bytes, this.#start(index), this.#ends[index] as number, key, 0, key.length);
  }

  /** Index of the first key that is not smaller than `key`; `length` if there is none. */
  firstFrom(key: PathKey): number {
    let low = 0;
    let high = this.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.compareTo(middle, key) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #start(index: number): number {
    return index <= 0 ? 0 : (this.#ends[index - 1] as number);
  }

  #grow(least: number): void {
    const larger = Buffer.allocUnsafe(Math.max(this.#bytes.length * 2, least));
    this.#bytes.copy(larger, 0, 0, this.#start(this.length));
    this.#bytes = larger;
  }
}

/** How many bytes two keys begin with in common. */
export function sharedLength(a: PathKey, b: PathKey): number {
  const most = Math.min(a.length, b.length);
  let length = 0;
  while (length < most && a[length] === b[length]) length += 1;
  return length;
}
