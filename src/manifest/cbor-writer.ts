/** DAG-CBOR into one growing buffer: the counterpart of cbor-reader.ts. */
import { BLAKE3_CODE, DIGEST_BYTES, type DAG_CBOR_CODE, type Digest, type RAW_CODE } from '../chunking/digest.ts';
import { CID_BYTES, CID_HEADER } from './cbor-reader.ts';

/** Bytes of the longest head: an initial byte and an argument of 64 bits. */
const HEAD_BYTES_MAX = 9;
const FIRST_CAPACITY_BYTES = 4096;

export class CborWriter {
  /** Bytes written so far. May be set back to an earlier value: what came after it is taken back. */
  length = 0;
  #bytes = Buffer.allocUnsafe(FIRST_CAPACITY_BYTES);

  /** An integer of either sign, at most 2^53 - 1 in magnitude. */
  int(value: number): void {
    if (value < 0) this.#head(1, -1 - value);
    else this.#head(0, value);
  }

  /** A byte string: the bytes of `source` from `start` on. */
  bytes(source: Uint8Array, start = 0): void {
    this.#head(2, source.length - start);
    this.raw(source, start);
  }

  text(ascii: string): void {
    this.#head(3, ascii.length);
    this.raw(Buffer.from(ascii, 'latin1'));
  }

  array(count: number): void {
    this.#head(4, count);
  }

  map(count: number): void {
    this.#head(5, count);
  }

  null(): void {
    this.#reserve(1);
    this.#bytes[this.length] = 0xf6;
    this.length += 1;
  }

  cid(codec: typeof RAW_CODE | typeof DAG_CBOR_CODE, digest: Digest): void {
    this.#reserve(CID_BYTES);
    CID_HEADER.copy(this.#bytes, this.length);
    const digestAt = this.length + CID_BYTES - DIGEST_BYTES;
    this.#bytes[digestAt - 3] = codec;
    this.#bytes[digestAt - 2] = BLAKE3_CODE;
    this.#bytes[digestAt - 1] = DIGEST_BYTES;
    this.#bytes.write(digest, digestAt, DIGEST_BYTES, 'hex');
    this.length += CID_BYTES;
  }

  /** Bytes that are CBOR already. */
  raw(source: Uint8Array, start = 0): void {
    this.#reserve(source.length - start);
    this.#bytes.set(start === 0 ? source : source.subarray(start), this.length);
    this.length += source.length - start;
  }

  /** What has been written, as a view: good until the next write. */
  view(): Buffer {
    return this.#bytes.subarray(0, this.length);
  }

  #head(major: number, argument: number): void {
    this.#reserve(HEAD_BYTES_MAX);
    const bytes = this.#bytes;
    const type = major << 5;
    if (argument < 24) {
      bytes[this.length] = type | argument;
      this.length += 1;
    } else if (argument < 0x100) {
      bytes[this.length] = type | 24;
      bytes[this.length + 1] = argument;
      this.length += 2;
    } else if (argument < 0x1_0000) {
      bytes[this.length] = type | 25;
      this.length = bytes.writeUInt16BE(argument, this.length + 1);
    } else if (argument < 0x1_0000_0000) {
      bytes[this.length] = type | 26;
      this.length = bytes.writeUInt32BE(argument, this.length + 1);
    } else {
      bytes[this.length] = type | 27;
      bytes.writeUInt32BE(Math.floor(argument / 2 ** 32), this.length + 1);
      this.length = bytes.writeUInt32BE(argument % 2 ** 32, this.length + 5);
    }
  }

  #reserve(more: number): void {
    if (this.length + more <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafe(Math.max(this.#bytes.length * 2, this.length + more));
    this.#bytes.copy(larger, 0, 0, this.length);
    this.#bytes = larger;
  }
}
