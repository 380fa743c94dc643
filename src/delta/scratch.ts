/** Memory that is used again for the same purpose, and grows to what that takes. */
export class Scratch {
  #memory = Buffer.alloc(0);

  /** So many bytes, which hold whatever they held, valid until the next call. */
  room(bytes: number): Buffer {
    if (bytes > this.#memory.byteLength) this.#memory = Buffer.allocUnsafeSlow(bytes);
    return this.#memory.subarray(0, bytes);
  }

  /** These one after the other, valid until the next call. */
  joined(parts: readonly Uint8Array[]): Buffer {
    const room = this.room(parts.reduce((sum, { byteLength }) => sum + byteLength, 0));
    let at = 0;
    for (const part of parts) {
      room.set(part, at);
      at += part.byteLength;
    }
    return room;
  }
}
