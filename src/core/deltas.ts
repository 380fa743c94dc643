/**
 * Deltas on demand: the first who asks for a pair of versions has it made, everybody else reads along, and the result is kept. One pair at a time is
 * made; nothing of it happens before somebody asks, so that publishing does not wait for it.
 */
import { asBranchcastError, BranchcastError } from '../base/errors.ts';
import { DELTA_MAKES_WAITING_MAX, DELTA_SETS_LOADED_MAX } from '../base/limits/deltas.ts';
import type { Logger } from '../base/log.ts';
import type { Digest } from '../chunking/digest.ts';
import type { ChunkStore } from '../store/chunk-store.ts';
import { makeOnThread } from './delta-maker.ts';
import type { DeltaSet } from './delta-set.ts';
import type { DeltaSetWriter, DeltaShelf } from './delta-shelf.ts';
import { Gate } from './gate.ts';

export interface DeltasParts {
  readonly store: Pick<ChunkStore, 'has' | 'locate' | 'readFrame'>;
  readonly shelf: DeltaShelf;
  readonly log: Logger;
  /** When a version was committed; undefined for a root that is no layer's. */
  sequenceOf(root: Digest): number | undefined;
}

export interface DeltaFigures {
  /** Pairs of versions for which making was begun. */
  readonly madeSets: number;
  readonly sentFrames: number;
  readonly sentBytes: number;
  /** What those frames stand in for, less what they weigh. */
  readonly savedBytes: number;
}

export class Deltas {
  readonly #parts: DeltasParts;
  readonly #gate = new Gate('sets of deltas being made', 1, DELTA_MAKES_WAITING_MAX);
  readonly #stop = new AbortController();
  /** By pair, the least recently used first. */
  readonly #sets = new Map<string, Promise<DeltaSet>>();
  readonly #making = new Set<Promise<void>>();
  #madeSets = 0;
  #sentFrames = 0;
  #sentBytes = 0;
  #savedBytes = 0;

  constructor(parts: DeltasParts) {
    this.#parts = parts;
  }

  get figures(): DeltaFigures {
    return { madeSets: this.#madeSets, sentFrames: this.#sentFrames, sentBytes: this.#sentBytes, savedBytes: this.#savedBytes };
  }

  get cachedBytes(): number {
    return this.#parts.shelf.bytes;
  }

  /** Delta frames for wanted chunks of `to`, against the one of the caller's versions that was committed next to it. BC_BUSY. */
  async *answer(to: Digest, held: readonly Digest[], wanted: readonly Digest[], signal: AbortSignal): AsyncGenerator<Uint8Array, void, undefined> {
    const from = this.#nearest(to, held);
    if (from === undefined) return;
    const loading = this.#load(from, to);
    const set = await loading;
    await this.#parts.shelf.use(from, to);
    await this.#forgetOldest();
    try {
      for await (const { delta, header } of set.answer(wanted, signal)) {
        this.#sentFrames += 1;
        this.#sentBytes += delta.byteLength;
        this.#savedBytes += header.fullBytes - delta.byteLength;
        yield delta;
      }
    } catch (thrown) {
      const error = asBranchcastError(thrown);
      if (error.code !== 'BC_CHUNK_CORRUPT') throw error;
      // Another reader may have found it before, and a new one may have taken its place.
      if (!this.#forget(pairOf(from, to), loading)) return;
      this.#parts.log.warn({ from, to }, `a set of deltas cannot be read and will be made again: ${error.message}`);
      await this.#parts.shelf.drop(from, to);
    }
  }

  /** What is being made is given up. */
  async close(): Promise<void> {
    this.#stop.abort(new BranchcastError('BC_CANCELLED', 'the core is shutting down'));
    await Promise.allSettled(this.#making);
  }

  /** Versions that follow each other differ least, in all likelihood. */
  #nearest(to: Digest, held: readonly Digest[]): Digest | undefined {
    const { store } = this.#parts;
    const sequenceOf = (root: Digest): number | undefined => this.#parts.sequenceOf(root);
    const target = sequenceOf(to) ?? Number.POSITIVE_INFINITY;
    const distance = (root: Digest): number => Math.abs(target - (sequenceOf(root) ?? 0));
    const known = held.filter((root) => root !== to && store.has([root])[0] === true);
    return known.toSorted((a, b) => distance(a) - distance(b))[0];
  }

  #load(from: Digest, to: Digest): Promise<DeltaSet> {
    const pair = pairOf(from, to);
    const loading: Promise<DeltaSet> = this.#sets.get(pair) ?? this.#loadOrMake(from, to, () => this.#forget(pair, loading));
    this.#sets.delete(pair);
    this.#sets.set(pair, loading);
    loading.catch(() => this.#forget(pair, loading));
    return loading;
  }

  /** False if it was forgotten before. */
  #forget(pair: string, loading: Promise<DeltaSet>): boolean {
    return this.#sets.get(pair) === loading && this.#sets.delete(pair);
  }

  async #loadOrMake(from: Digest, to: Digest, forget: () => void): Promise<DeltaSet> {
    const { shelf } = this.#parts;
    const stored = await shelf.load(from, to);
    if (stored !== undefined) return stored;
    const writer = await shelf.begin(from, to);
    const making = this.#make(from, to, writer).catch((thrown: unknown) => {
      const error = asBranchcastError(thrown);
      if (error.code !== 'BC_CANCELLED') this.#parts.log.warn({ from, to, code: error.code }, `deltas were not made: ${error.message}`);
      // What failed otherwise would fail again: the empty set stands for it.
      if (error.code === 'BC_BUSY') forget();
    });
    this.#making.add(making);
    void making.finally(() => this.#making.delete(making));
    return writer.set;
  }

  async #make(from: Digest, to: Digest, writer: DeltaSetWriter): Promise<void> {
    const { shelf, store, log } = this.#parts;
    const { set } = writer;
    const startedMs = performance.now();
    try {
      await this.#gate.run(async () => {
        this.#madeSets += 1;
        for await (const step of makeOnThread({ from, to }, store, this.#stop.signal)) {
          if (step.kind === 'planned') set.plan(step.chunks);
          else if (step.delta === undefined) set.settle(step.chunks);
          else await writer.append(step.delta);
          if (writer.bytes > shelf.bytesMax) throw new BranchcastError('BC_QUOTA_EXCEEDED', `a set of deltas would take more than the ${shelf.bytesMax} bytes of the cache`);
        }
      }, this.#stop.signal);
      await shelf.keep(from, to, writer);
    } catch (error) {
      await shelf.discard(writer);
      throw error;
    }
    set.end();
    log.info({ from, to, chunkCount: set.chunkCount, deltaBytes: writer.bytes, savedBytes: set.savedBytes, seconds: Math.round(performance.now() - startedMs) / 1000 }, 'deltas made');
  }

  async #forgetOldest(): Promise<void> {
    for (const [pair, loading] of this.#sets) {
      if (this.#sets.size <= DELTA_SETS_LOADED_MAX) return;
      if ((await loading.catch(() => undefined))?.ended !== false) this.#forget(pair, loading);
    }
  }
}

function pairOf(from: Digest, to: Digest): string {
  return `${from}-${to}`;
}
