/** A set of chunks of one manifest, by their place among its chunks: a bit each, since there is one for every version that endpoints hold. */
export class ChunkSet {
  readonly #words: Uint32Array;

  /** Of places below `count`; empty. */
  constructor(count: number) {
    this.#words = new Uint32Array(Math.ceil(count / 32));
  }

  add(place: number): void {
    (this.#words[place >>> 5] as number) |= 1 << (place & 31);
  }

  /** Those of the other, which is of the same manifest, as well. */
  addAll(other: ChunkSet): void {
    for (const [at, word] of other.#words.entries()) (this.#words[at] as number) |= word;
  }

  /** These less those of the others, as a new set. */
  without(others: readonly ChunkSet[]): ChunkSet {
    const left = new ChunkSet(this.#words.length * 32);
    left.#words.set(this.#words);
    for (const other of others) for (const [at, word] of other.#words.entries()) (left.#words[at] as number) &= ~word;
    return left;
  }

  /** In ascending order. */
  *places(): Generator<number, void, undefined> {
    for (const [at, word] of this.#words.entries()) {
      for (let left = word; left !== 0; left &= left - 1) yield at * 32 + 31 - Math.clz32(left & -left);
    }
  }
}
