/**
 * Manifest nodes that an endpoint keeps beside a target: those of the version that is there, for the diff with the next, and
 * those of the version that is coming.
 */
import { Level, type BatchOperation } from 'level';
import { asBranchcastError, BranchcastError } from '../base/errors.ts';
import type { Digest } from '../chunking/digest.ts';
import type { ManifestBlock } from '../manifest/entry.ts';
import type { NodeStore } from '../transfer/fetch-manifest.ts';

/** Longer than any digest's key, so that it cannot be one. */
const GAPS_KEY = 'a manifest is being fetched: nodes may lack what is below them';

export class NodeCache implements NodeStore {
  readonly #db: Level<string, Uint8Array>;
  #whole = true;

  private constructor(db: Level<string, Uint8Array>) {
    this.#db = db;
  }

  /** Throws BC_STORE_LOCKED, BC_STORE_DAMAGED. */
  static async open(dir: string): Promise<NodeCache> {
    const db = new Level<string, Uint8Array>(dir, { keyEncoding: 'utf8', valueEncoding: 'view' });
    try {
      await db.open();
    } catch (cause) {
      const locked = cause instanceof Error && cause.cause instanceof Error && 'code' in cause.cause && cause.cause.code === 'LEVEL_LOCKED';
      throw new BranchcastError(locked ? 'BC_STORE_LOCKED' : 'BC_STORE_DAMAGED', `cannot open ${dir}: ${asBranchcastError(cause).message}`, { cause });
    }
    const cache = new NodeCache(db);
    cache.#whole = (await db.get(GAPS_KEY)) === undefined;
    return cache;
  }

  get whole(): boolean {
    return this.#whole;
  }

  async setWhole(whole: boolean): Promise<void> {
    if (whole) await this.#db.del(GAPS_KEY, { sync: true });
    else await this.#db.put(GAPS_KEY, new Uint8Array(), { sync: true });
    this.#whole = whole;
  }

  async get(digest: Digest): Promise<Uint8Array | undefined> {
    return this.#db.getSync(digest);
  }

  async put(blocks: readonly ManifestBlock[]): Promise<void> {
    await this.#write(blocks.map(({ digest, bytes }) => ({ type: 'put', key: digest, value: bytes })));
  }

  async delete(digests: readonly Digest[]): Promise<void> {
    await this.#write(digests.map((digest) => ({ type: 'del', key: digest })));
  }

  async clear(): Promise<void> {
    await this.#db.clear();
    this.#whole = true;
  }

  async close(): Promise<void> {
    await this.#db.close();
  }

  async #write(batch: BatchOperation<Level<string, Uint8Array>, string, Uint8Array>[]): Promise<void> {
    try {
      await this.#db.batch(batch);
    } catch (thrown) {
      throw asBranchcastError(thrown, 'BC_STORE_DAMAGED');
    }
  }
}
