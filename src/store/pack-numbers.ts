/**
 * Short numbers for packs, by which the entries of an index name them. A number is never given twice, not even after its pack has
 * gone: entries may outlive a pack, and must not be taken for those of another.
 */
export class PackNumbers {
  readonly #numbers = new Map<string, number>();
  readonly #ids = new Map<number, string>();
  #last = 0;

  /** The greatest number that was ever given. */
  get last(): number {
    return this.#last;
  }

  /** Numbers up to this one are taken. */
  take(number: number): void {
    this.#last = Math.max(this.#last, number);
  }

  know(packId: string, number: number): void {
    this.take(number);
    this.#numbers.set(packId, number);
    this.#ids.set(number, packId);
  }

  /** The pack's number; a new one if it has none. */
  of(packId: string): number {
    const known = this.#numbers.get(packId);
    if (known !== undefined) return known;
    this.know(packId, this.#last + 1);
    return this.#last;
  }

  packId(number: number): string | undefined {
    return this.#ids.get(number);
  }

  drop(packId: string): void {
    const number = this.#numbers.get(packId);
    this.#numbers.delete(packId);
    if (number !== undefined) this.#ids.delete(number);
  }
}
