/** Memory that is used again for the same purpose, and grows to what that takes. */
export class Scratch {
  #memory = Buffer.alloc(0);

  /** So many bytes, which hold whatever they held, valid until the next call. */
  room(bytes: number): Buffer {
    if (bytes > this.#memory.byteLength) this.#memory = Buffer.allocUnsafeSlow(bytes);
    return this.#memory.subarray(0, bytes);
  }

  /** These one after the other, valid until the next call and for as long as the parts are: parts that stand so already are not copied. */
  joined(parts: readonly Uint8Array[]): Uint8Array {
    const [first] = parts;
    if (first !== undefined && areAdjacent(parts)) return new Uint8Array(first.buffer, first.byteOffset, lengthOf(parts));
    const room = this.room(lengthOf(parts));
    let at = 0;
    for (const part of parts) {
      room.set(part, at);
      at += part.byteLength;
    }
    return room;
  }
}

/** Whether each begins where the one before ends, in the same memory. */
function areAdjacent(parts: readonly Uint8Array[]): boolean {
  return parts.every((part, index) => {
    const before = parts[index - 1];
    return before === undefined || (part.buffer === before.buffer && part.byteOffset === before.byteOffset + before.byteLength);
  });
}

function lengthOf(parts: readonly Uint8Array[]): number {
  return parts.reduce((sum, { byteLength }) => sum + byteLength, 0);
}
