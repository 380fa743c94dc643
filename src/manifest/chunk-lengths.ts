/**
 * The different chunks of a manifest with their lengths: a hash table (open addressing, linear probing) of about 50 bytes a chunk,
 * where a Map of strings would take some 200. Digests are uniform, so their first bytes are the hash.
 */
import { BranchcastError } from '../base/errors.ts';
import { DIGEST_BYTES, type Digest } from '../chunking/digest.ts';

const FIRST_CAPACITY = 1024;

export class ChunkLengths {
  readonly #countMax: number;
  #count = 0;
  #digests = Buffer.allocUnsafe(FIRST_CAPACITY * DIGEST_BYTES);
  #lengths = new Uint32Array(FIRST_CAPACITY);
  /** Index + 1 of a chunk; 0 is free. Twice the capacity, a power of two. */
  #slots = new Uint32Array(2 * FIRST_CAPACITY);

  /** Beyond `countMax` chunks it throws BC_LIMIT_EXCEEDED. */
  constructor(countMax: number) {
    this.#countMax = countMax;
  }

  get count(): number {
    return this.#count;
  }

  /** The length that a chunk was noted with; undefined if it was not. */
  lengthOf(digest: Digest): number | undefined {
    const taken = this.#slots[this.#slotOf(Buffer.from(digest, 'hex'), 0)] as number;
    return taken === 0 ? undefined : this.#lengths[taken - 1];
  }

  add(digest: Digest, lengthBytes: number): number | undefined {
    return this.note(Buffer.from(digest, 'hex'), 0, lengthBytes);
  }

  /** Notes a chunk. Answers the length that it was noted with before; undefined if it is new. */
  note(bytes: Buffer, digestAt: number, lengthBytes: number): number | undefined {
    const slot = this.#slotOf(bytes, digestAt);
    const taken = this.#slots[slot] as number;
    if (taken !== 0) return this.#lengths[taken - 1];
    if (this.#count === this.#countMax) throw new BranchcastError('BC_LIMIT_EXCEEDED', `a manifest of more than ${this.#countMax} different chunks`);
    if (this.#count === this.#lengths.length) {
      this.#grow();
      return this.note(bytes, digestAt, lengthBytes);
    }
    bytes.copy(this.#digests, this.#count * DIGEST_BYTES, digestAt, digestAt + DIGEST_BYTES);
    this.#lengths[this.#count] = lengthBytes;
    this.#count += 1;
    this.#slots[slot] = this.#count;
    return undefined;
  }

  /** Where a chunk is noted, or the free slot where it would be. */
  #slotOf(bytes: Buffer, digestAt: number): number {
    const slots = this.#slots;
    let slot = bytes.readUInt32LE(digestAt) & (slots.length - 1);
    for (let taken = slots[slot] as number; taken !== 0; taken = slots[slot] as number) {
      const at = (taken - 1) * DIGEST_BYTES;
      if (this.#digests.compare(bytes, digestAt, digestAt + DIGEST_BYTES, at, at + DIGEST_BYTES) === 0) return slot;
      slot = (slot + 1) & (slots.length - 1);
    }
    return slot;
  }

  #grow(): void {
    const capacity = 2 * this.#lengths.length;
    const digests = Buffer.allocUnsafe(capacity * DIGEST_BYTES);
    this.#digests.copy(digests);
    const lengths = new Uint32Array(capacity);
    lengths.set(this.#lengths);
    const slots = new Uint32Array(2 * capacity);
    for (let index = 0; index < this.#count; index += 1) {
      let slot = digests.readUInt32LE(index * DIGEST_BYTES) & (slots.length - 1);
      while (slots[slot] !== 0) slot = (slot + 1) & (slots.length - 1);
      slots[slot] = index + 1;
    }
    this.#digests = digests;
    this.#lengths = lengths;
    this.#slots = slots;
  }
}
