/**
 * Counts blocks that a layer names: each once, whether it is stored, and its share of the packs. Shares are
 * summed as they are and rounded once, by the caller.
 */
import { BranchcastError } from '../base/errors.ts';
import type { Digest } from '../chunking/digest.ts';
import { storedShare, type ChunkStore } from '../store/chunk-store.ts';
import type { Use, UsageLedger } from './usage-ledger.ts';

/** Digests looked up in one go: long enough to be fast, short enough not to hold up other requests. */
const BATCH = 1024;

export class LayerCount {
  count = 0;
  bytes = 0;
  missingCount = 0;
  storedShare = 0;
  /** Of blocks that no committed layer used before. */
  newStoredShare = 0;
  readonly #store: ChunkStore;
  readonly #usesOf: (digests: readonly Digest[]) => Promise<readonly Use[]>;
  #batch: { readonly digest: Digest; readonly bytes: number }[] = [];

  private constructor(store: ChunkStore, usesOf: (digests: readonly Digest[]) => Promise<readonly Use[]>) {
    this.#store = store;
    this.#usesOf = usesOf;
  }

  /** Of the commit `sequence`; what is added again counts once. */
  static of(store: ChunkStore, ledger: UsageLedger, sequence: number): LayerCount {
    return new LayerCount(store, (digests) => ledger.note(digests, sequence));
  }

  /** Of blocks that a committed layer uses, as the ledger knows already. Each is added once. */
  static ofKnown(store: ChunkStore): LayerCount {
    return new LayerCount(store, async (digests) => digests.map(() => 'shared'));
  }

  /** `bytes` is the length that the layer gives the block; BC_MANIFEST_MALFORMED, now or later, if it has another. */
  async add(digest: Digest, bytes: number): Promise<void> {
    this.#batch.push({ digest, bytes });
    if (this.#batch.length >= BATCH) await this.finish();
  }

  /** Counts what was added last. */
  async finish(): Promise<void> {
    const batch = this.#batch;
    this.#batch = [];
    const digests = batch.map(({ digest }) => digest);
    const uses = await this.#usesOf(digests);
    const locations = this.#store.locate(digests);
    batch.forEach(({ digest, bytes }, index) => {
      const location = locations[index];
      if (location !== undefined && location.chunkBytes !== bytes) {
        throw new BranchcastError('BC_MANIFEST_MALFORMED', `the manifest says that chunk ${digest} has ${bytes} bytes; it has ${location.chunkBytes}`, { details: { digest } });
      }
      if (uses[index] === 'again') return;
      this.count += 1;
      this.bytes += bytes;
      if (location === undefined) {
        this.missingCount += 1;
        return;
      }
      const share = storedShare(location);
      this.storedShare += share;
      if (uses[index] === 'new') this.newStoredShare += share;
    });
  }
}
