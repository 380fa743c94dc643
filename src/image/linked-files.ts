/** Which old files have been linked, by their numbers, and the modification times that they had then. A column: they may be millions. */

/** No file has this time: it is before the universe. */
const NOT_LINKED = -(2n ** 63n);
const FILES_AT_FIRST = 1024;

export class LinkedFiles {
  #mtimesNs = new BigInt64Array(FILES_AT_FIRST).fill(NOT_LINKED);

  add(index: number, mtimeNs: bigint): void {
    if (index >= this.#mtimesNs.length) {
      const grown = new BigInt64Array(Math.max(index + 1, this.#mtimesNs.length * 2)).fill(NOT_LINKED);
      grown.set(this.#mtimesNs);
      this.#mtimesNs = grown;
    }
    this.#mtimesNs[index] = mtimeNs;
  }

  /** mtimeNs(), once. */
  take(index: number): bigint | undefined {
    const mtimeNs = this.mtimeNs(index);
    if (mtimeNs !== undefined) this.#mtimesNs[index] = NOT_LINKED;
    return mtimeNs;
  }

  has(index: number): boolean {
    return this.mtimeNs(index) !== undefined;
  }

  /** undefined if it has not been linked. */
  mtimeNs(index: number): bigint | undefined {
    const mtimeNs = this.#mtimesNs[index] ?? NOT_LINKED;
    return mtimeNs === NOT_LINKED ? undefined : mtimeNs;
  }
}
