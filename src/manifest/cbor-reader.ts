/**
 * A strict DAG-CBOR cursor for manifest nodes (https://ipld.io/specs/codecs/dag-cbor/spec/): shortest integers, definite
 * lengths, no floats, tag 42 only. What a node holds is known beforehand, so each item is read as what it must be: nothing
 * is allocated for items that are refused. It reads several times as fast as a general decoder, which the tests hold it against.
 */
import { BLAKE3_CODE, DIGEST_BYTES, type DAG_CBOR_CODE, type Digest, type RAW_CODE } from '../chunking/digest.ts';
import { malformed } from './node-error.ts';

const MAJOR_UNSIGNED = 0;
const MAJOR_NEGATIVE = 1;
const MAJOR_BYTES = 2;
const MAJOR_TEXT = 3;
const MAJOR_ARRAY = 4;
const MAJOR_MAP = 5;
const MAJOR_TAG = 6;
const MAJOR_NAMES = ['an integer', 'a negative integer', 'bytes', 'text', 'an array', 'a map', 'a tag', 'a simple value'] as const;
const NULL = 0xf6;

/** The least argument that needs so many bytes: smaller ones fit a shorter form. */
const LEAST_BY_WIDTH = [0, 24, 2 ** 8, 0, 2 ** 16, 0, 0, 0, 2 ** 32] as const;

/** Tag 42, 37 bytes, identity multibase prefix, CIDv1; then codec, blake3, 32 and the digest. */
export const CID_HEADER = Buffer.of(0xd8, 0x2a, 0x58, 0x25, 0x00, 0x01);
export const CID_BYTES = CID_HEADER.length + 3 + DIGEST_BYTES;

export class CborReader {
  readonly bytes: Buffer;
  readonly node: Digest;
  position = 0;

  /** `node` names the bytes in errors. */
  constructor(bytes: Buffer, node: Digest) {
    this.bytes = bytes;
    this.node = node;
  }

  /** An unsigned integer up to `max`. */
  uint(max: number, what: string): number {
    const value = this.#head(MAJOR_UNSIGNED, what);
    if (value > max) throw this.error(`${what} is ${value}, more than ${max}`);
    return value;
  }

  /** An integer of either sign that a double holds exactly. */
  int(what: string): number {
    const initial = this.bytes[this.position];
    if (initial === undefined || initial >> 5 !== MAJOR_NEGATIVE) return this.#head(MAJOR_UNSIGNED, what);
    const value = -1 - this.#head(MAJOR_NEGATIVE, what);
    if (!Number.isSafeInteger(value)) throw this.error(`${what} is ${value}, out of range`);
    return value;
  }

  /** Length of a byte string of at most `max` bytes. The cursor stands at its first byte afterwards: the caller moves it on. */
  bytesLength(max: number, what: string): number {
    return this.#stringLength(MAJOR_BYTES, max, what);
  }

  /** A byte string, as a view. */
  byteString(max: number, what: string): Buffer {
    const length = this.bytesLength(max, what);
    this.position += length;
    return this.bytes.subarray(this.position - length, this.position);
  }

  /** Text; only ever compared with names that are known, hence not checked to be UTF-8. */
  text(max: number, what: string): string {
    const length = this.#stringLength(MAJOR_TEXT, max, what);
    this.position += length;
    return this.bytes.toString('latin1', this.position - length, this.position);
  }

  /** Number of items that follow: not more than there can be in the bytes that are left. */
  array(what: string): number {
    const count = this.#head(MAJOR_ARRAY, what);
    if (count > this.bytes.length - this.position) throw this.error(`${what} claims ${count} items, more than there are bytes`);
    return count;
  }

  arrayOf(count: number, what: string): void {
    const found = this.array(what);
    if (found !== count) throw this.error(`${what} has ${found} items instead of ${count}`);
  }

  map(what: string): number {
    return this.#head(MAJOR_MAP, what);
  }

  /** True, and past it, if null comes next. */
  takeNull(): boolean {
    if (this.bytes[this.position] !== NULL) return false;
    this.position += 1;
    return true;
  }

  null(what: string): void {
    if (!this.takeNull()) throw this.error(`${what} is not null`);
  }

  /** True if a tag comes next: a CID. */
  atTag(): boolean {
    return this.bytes[this.position] === CID_HEADER[0];
  }

  /** A CID with this codec and a blake3-256 multihash: where its digest stands. */
  cid(codec: typeof RAW_CODE | typeof DAG_CBOR_CODE, what: string): number {
    const { bytes, position } = this;
    const digestAt = position + CID_BYTES - DIGEST_BYTES;
    let good = position + CID_BYTES <= bytes.length && bytes[digestAt - 3] === codec && bytes[digestAt - 2] === BLAKE3_CODE && bytes[digestAt - 1] === DIGEST_BYTES;
    for (let at = 0; good && at < CID_HEADER.length; at += 1) good = bytes[position + at] === CID_HEADER[at];
    if (!good) throw this.error(`${what} is not a CID with codec 0x${codec.toString(16)} and a blake3-256 digest`);
    this.position += CID_BYTES;
    return digestAt;
  }

  /**
   * Goes past an item, whatever it is and holds, and answers where the digests of the CIDs in it stand. For a node that was read item by
   * item before: what DAG-CBOR does not allow is refused only where it would lead astray.
   */
  skip(codec: typeof RAW_CODE | typeof DAG_CBOR_CODE, what: string): number[] {
    const { bytes } = this;
    const digestsAt: number[] = [];
    let at = this.position;
    // An array or a map is no more than items that are still to come.
    for (let left = 1; left > 0; left -= 1) {
      const initial = bytes[at];
      if (initial === undefined) throw this.error(`${what} is cut off`);
      if (initial === CID_HEADER[0]) {
        this.position = at;
        digestsAt.push(this.cid(codec, what));
        at = this.position;
        continue;
      }
      const [major, kind] = [initial >> 5, initial & 31];
      let argument = kind;
      at += 1;
      if (kind >= 24) {
        if (kind > 27) throw this.error(`${what} has an indefinite or reserved length`);
        argument = 0;
        for (const end = at + (1 << (kind - 24)); at < end; at += 1) argument = argument * 256 + (bytes[at] ?? 0);
      }
      if (major === MAJOR_BYTES || major === MAJOR_TEXT) at += argument;
      else if (major === MAJOR_ARRAY) left += argument;
      else if (major === MAJOR_MAP) left += 2 * argument;
      else if (major === MAJOR_TAG) throw this.error(`${what} holds a tag that is not known`);
      // Before anything is added up that a double would not hold exactly.
      if (at > bytes.length || left > bytes.length) throw this.error(`${what} is cut off`);
    }
    this.position = at;
    return digestsAt;
  }

  end(): void {
    if (this.position !== this.bytes.length) throw this.error(`${this.bytes.length - this.position} bytes are left over`);
  }

  error(what: string): Error {
    return malformed(this.node, `${what} (byte ${this.position})`);
  }

  #stringLength(major: number, max: number, what: string): number {
    const length = this.#head(major, what);
    if (length > max) throw this.error(`${what} has ${length} bytes, more than ${max}`);
    if (length > this.bytes.length - this.position) throw this.error(`${what} is cut off`);
    return length;
  }

  /** The argument of an item that must be of this major type. */
  #head(major: number, what: string): number {
    const initial = this.bytes[this.position];
    if (initial === undefined) throw this.error(`${what} is cut off`);
    if (initial >> 5 !== major) throw this.error(`${what} is ${MAJOR_NAMES[initial >> 5] ?? 'nothing known'}, not ${MAJOR_NAMES[major] ?? ''}`);
    const argument = initial & 31;
    this.position += 1;
    return argument < 24 ? argument : this.#longArgument(argument, what);
  }

  #longArgument(kind: number, what: string): number {
    const width = kind <= 27 ? 1 << (kind - 24) : 0;
    if (width === 0) throw this.error(`${what} has an indefinite or reserved length`);
    const { bytes, position } = this;
    if (position + width > bytes.length) throw this.error(`${what} is cut off`);
    let value = bytes[position] as number;
    for (let at = position + 1; at < position + width; at += 1) value = value * 256 + (bytes[at] as number);
    if (value < (LEAST_BY_WIDTH[width] as number)) throw this.error(`${what} is not in its shortest form`);
    if (value > Number.MAX_SAFE_INTEGER) throw this.error(`${what} is larger than 2^53 - 1`);
    this.position += width;
    return value;
  }
}
