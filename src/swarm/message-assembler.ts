/** Cuts a stream of bytes back into length-prefixed messages: u32 little-endian length, then so many bytes. */
import { BranchcastError } from '../base/errors.ts';

export const PREFIX_BYTES = 4;

export class MessageAssembler {
  readonly #maxMessageBytes: number;
  /** Pieces as they came, from `#head` on; `#skip` bytes of the first are used up. Bytes are copied once, when a message is whole. */
  #pieces: Uint8Array[] = [];
  #head = 0;
  #skip = 0;
  #waitingBytes = 0;

  constructor(maxMessageBytes: number) {
    this.#maxMessageBytes = maxMessageBytes;
  }

  /** Bytes that wait, prefixes included. */
  get waitingBytes(): number {
    return this.#waitingBytes;
  }

  push(piece: Uint8Array): void {
    if (piece.byteLength === 0) return;
    this.#pieces.push(piece);
    this.#waitingBytes += piece.byteLength;
  }

  /** Forgets what waits. */
  clear(): void {
    this.#pieces = [];
    [this.#head, this.#skip, this.#waitingBytes] = [0, 0, 0];
  }

  /** The next message, once it is whole. BC_LIMIT_EXCEEDED as soon as its prefix is there, if it announces too much. */
  take(): Uint8Array | undefined {
    if (this.#waitingBytes < PREFIX_BYTES) return undefined;
    const messageBytes = this.#peekLength();
    if (messageBytes > this.#maxMessageBytes) {
      throw new BranchcastError('BC_LIMIT_EXCEEDED', `a message of ${messageBytes} bytes was announced; the bound is ${this.#maxMessageBytes}`, { details: { messageBytes } });
    }
    if (this.#waitingBytes < PREFIX_BYTES + messageBytes) return undefined;
    this.#read(PREFIX_BYTES);
    return this.#read(messageBytes);
  }

  #peekLength(): number {
    let length = 0;
    let index = this.#head;
    let offset = this.#skip;
    for (let byte = 0; byte < PREFIX_BYTES; byte += 1) {
      while (offset >= (this.#pieces[index]?.byteLength ?? Number.POSITIVE_INFINITY)) {
        index += 1;
        offset = 0;
      }
      length += (this.#pieces[index]?.[offset] ?? 0) * 2 ** (8 * byte);
      offset += 1;
    }
    return length;
  }

  /** Takes `byteLength` bytes, which are there. A view where they stand in one piece, otherwise one copy. */
  #read(byteLength: number): Uint8Array {
    this.#waitingBytes -= byteLength;
    const first = this.#pieces[this.#head];
    if (first !== undefined && first.byteLength - this.#skip >= byteLength) return this.#advance(first, byteLength);
    const whole = Buffer.allocUnsafeSlow(byteLength);
    let filled = 0;
    for (let piece = first; piece !== undefined && filled < byteLength; piece = this.#pieces[this.#head]) {
      const part = this.#advance(piece, Math.min(byteLength - filled, piece.byteLength - this.#skip));
      whole.set(part, filled);
      filled += part.byteLength;
    }
    return whole;
  }

  #advance(piece: Uint8Array, byteLength: number): Uint8Array {
    const part = piece.subarray(this.#skip, this.#skip + byteLength);
    this.#skip += byteLength;
    if (this.#skip === piece.byteLength) {
      this.#skip = 0;
      this.#head += 1;
      // Used pieces are let go in runs: dropping each at once would move all the others every time.
      if (this.#head === this.#pieces.length || this.#head >= 64) {
        this.#pieces = this.#pieces.slice(this.#head);
        this.#head = 0;
      }
    }
    return part;
  }
}
