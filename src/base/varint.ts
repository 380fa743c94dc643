/** Unsigned varints of seven bits a byte, the lowest first (LEB128; https://github.com/multiformats/unsigned-varint). */

/** Of numbers below 2^32, which is all that is written so but for the lengths in a CAR. */
export const VARINT_BYTES_MAX = 5;

/** Where the next byte goes. `into` must have room. */
export function writeVarint(into: Uint8Array, at: number, value: number): number {
  let rest = value;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) into[at++] = (rest % 0x80) + 0x80;
  into[at++] = rest;
  return at;
}

export class VarintReader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get isAtEnd(): boolean {
    return this.#at === this.#bytes.byteLength;
  }

  /** NaN, from then on, if the bytes end before it does or if it has more than VARINT_BYTES_MAX bytes. */
  next(): number {
    let value = 0;
    const end = Math.min(this.#bytes.byteLength, this.#at + VARINT_BYTES_MAX);
    for (let place = 1; this.#at < end; place *= 0x80) {
      const byte = this.#bytes[this.#at++] as number;
      value += (byte % 0x80) * place;
      if (byte < 0x80) return value;
    }
    this.#at = this.#bytes.byteLength;
    return Number.NaN;
  }
}

/** Signed numbers as unsigned ones: 0, -1, 1, -2, 2, ... */
export function toZigzag(value: number): number {
  return value < 0 ? -2 * value - 1 : 2 * value;
}

export function fromZigzag(value: number): number {
  return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
}
