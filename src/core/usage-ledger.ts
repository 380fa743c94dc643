/**
 * Which chunks and nodes the committed layers use. For each digest two sequence numbers: of the commit that used it first, and
 * of the last one that was counted with it (one of a tree that was counted before is not noted). So a commit of any size is counted in constant memory: what is new, what an earlier layer uses, and
 * what this layer named before. A commit that failed leaves numbers that no layer has; they count for nothing.
 */
import type { AbstractSublevel } from 'abstract-level';
import type { Level } from 'level';
import { digestToBytes, type Digest } from '../chunking/digest.ts';
import type { Catalog } from './catalog.ts';

/** `again`: this commit named it already. `shared`: a committed layer uses it. `new`: none does. */
export type Use = 'again' | 'shared' | 'new';

const VALUE_BYTES = 16;

export class UsageLedger {
  readonly #uses: AbstractSublevel<Level, string | Buffer | Uint8Array, Uint8Array, Uint8Array>;
  readonly #catalog: Catalog;

  constructor(db: Level, catalog: Catalog) {
    this.#uses = db.sublevel<Uint8Array, Uint8Array>('uses', { keyEncoding: 'view', valueEncoding: 'view' });
    this.#catalog = catalog;
  }

  /** Notes that the commit `sequence` uses these, and says of each what it was. Not durable by itself: the commit's sync covers it. */
  async note(digests: readonly Digest[], sequence: number): Promise<Use[]> {
    const here = new Set<Digest>();
    const batch: { type: 'put'; key: Uint8Array; value: Uint8Array }[] = [];
    const uses = digests.map((digest): Use => {
      if (here.has(digest)) return 'again';
      here.add(digest);
      const key = digestToBytes(digest);
      const { first, last } = this.#read(key);
      if (last === sequence) return 'again';
      const shared = first !== undefined && this.#catalog.isCommitted(first);
      batch.push({ type: 'put', key, value: encodeUse(shared ? first : sequence, sequence) });
      return shared ? 'shared' : 'new';
    });
    await this.#uses.batch(batch);
    return uses;
  }

  /** The commit that used it first; undefined if none did. */
  firstUse(digest: Digest): number | undefined {
    return this.#read(digestToBytes(digest)).first;
  }

  #read(key: Uint8Array): { readonly first: number | undefined; readonly last: number | undefined } {
    const value = this.#uses.getSync(key);
    if (value === undefined || value.byteLength !== VALUE_BYTES) return { first: undefined, last: undefined };
    const view = new DataView(value.buffer, value.byteOffset, value.byteLength);
    return { first: Number(view.getBigUint64(0, true)), last: Number(view.getBigUint64(8, true)) };
  }
}

function encodeUse(first: number, last: number): Uint8Array {
  const value = new DataView(new ArrayBuffer(VALUE_BYTES));
  value.setBigUint64(0, BigInt(first), true);
  value.setBigUint64(8, BigInt(last), true);
  return new Uint8Array(value.buffer);
}
