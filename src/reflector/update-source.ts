/**
 * The core as this site asks it: wanted chunks that belong to an update are asked for as deltas. One answer with deltas at a time for an update, since
 * a delta brings chunks that the next want will name: those are here then, and travel once. What deltas did not bring comes beside the next answer.
 */
import type { Clock } from '../base/clock.ts';
import { DELTA_STORED_POLL_MS, DELTA_STORED_WAIT_MS } from '../base/limits/deltas.ts';
import type { Logger } from '../base/log.ts';
import type { Digest } from '../chunking/digest.ts';
import type { ManifestBlock } from '../manifest/entry.ts';
import type { ChunkStore } from '../store/chunk-store.ts';
import { Exclusive } from '../store/exclusive.ts';
import { parseFrameHeader } from '../store/frame-header.ts';
import { ifRotten } from '../store/store-errors.ts';
import type { ChunkSource, DeltaUse, LayerRecord, OldContent, SourceOptions } from '../transfer/chunk-source.ts';
import type { SiteUpdate, SiteUpdates } from './site-updates.ts';

export interface UpdateSourceParts {
  readonly core: ChunkSource;
  readonly store: ChunkStore;
  readonly updates: Pick<SiteUpdates, 'updates'>;
  readonly clock: Clock;
  readonly log: Logger;
  onDelta(use: DeltaUse): void;
}

export class UpdateSource implements ChunkSource {
  readonly kind = 'core';
  readonly #parts: UpdateSourceParts;
  readonly #turns = new WeakMap<SiteUpdate, Exclusive>();

  constructor(parts: UpdateSourceParts) {
    this.#parts = parts;
  }

  get name(): string {
    return this.#parts.core.name;
  }

  resolveLayer(ref: string, options: SourceOptions): Promise<LayerRecord | undefined> {
    return this.#parts.core.resolveLayer(ref, options);
  }

  fetchManifest(root: Digest, have: readonly Digest[], options: SourceOptions): AsyncIterable<ManifestBlock> {
    return this.#parts.core.fetchManifest(root, have, options);
  }

  fetchBlock(digest: Digest, options: SourceOptions): Promise<Uint8Array | undefined> {
    return this.#parts.core.fetchBlock(digest, options);
  }

  async *fetchFrames(digests: readonly Digest[], options: SourceOptions): AsyncGenerator<Uint8Array, void, undefined> {
    let left = digests;
    for (const update of this.#parts.updates.updates) {
      const wanted = left.filter((digest) => update.lacking.has(digest));
      if (wanted.length === 0) continue;
      yield* this.#fetchUpdate(update, wanted, options);
      left = left.filter((digest) => !update.lacking.has(digest));
    }
    if (left.length > 0) yield* this.#parts.core.fetchFrames(left, options);
  }

  async *#fetchUpdate(update: SiteUpdate, wanted: readonly Digest[], { signal }: SourceOptions): AsyncGenerator<Uint8Array, void, undefined> {
    const { core, store, log } = this.#parts;
    const done = Promise.withResolvers<void>();
    const began = Promise.withResolvers<void>();
    void this.#turnsOf(update).run(() => {
      began.resolve();
      return done.promise;
    });
    try {
      await began.promise;
      const missing = wanted.filter((digest) => store.has([digest])[0] !== true);
      const sum = { frameCount: 0, deltaBytes: 0, fullBytes: 0 };
      const onDelta = (use: DeltaUse): void => {
        sum.frameCount += 1;
        sum.deltaBytes += use.deltaBytes;
        sum.fullBytes += use.fullBytes;
        this.#parts.onDelta(use);
      };
      let last: readonly Digest[] = [];
      let ended: Promise<void> | undefined;
      const endTurn = (): Promise<void> => (ended ??= this.#stored(last, signal).finally(done.resolve));
      // If none came, the core may be making them yet: the next want finds them if it waits until these chunks have come whole.
      const onDeltasEnd = (): void => void (sum.frameCount > 0 && endTurn().catch(() => undefined));
      for await (const frame of missing.length === 0 ? [] : core.fetchFrames(missing, { signal, old: this.#oldContent(update), onDelta, onDeltasEnd })) {
        // Before it is given away: who takes it may give its memory back.
        if (ended === undefined) last = parseFrameHeader(frame)?.chunks.map(({ digest }) => digest) ?? [];
        yield frame;
      }
      await endTurn();
      if (sum.frameCount > 0) log.info({ to: update.to, from: update.from, ...sum, savedBytes: sum.fullBytes - sum.deltaBytes }, 'fetched as deltas');
    } finally {
      done.resolve();
    }
  }

  #turnsOf(update: SiteUpdate): Exclusive {
    const turns = this.#turns.get(update) ?? new Exclusive();
    this.#turns.set(update, turns);
    return turns;
  }

  #oldContent({ to, from }: SiteUpdate): OldContent {
    const { store } = this.#parts;
    return { to, from: [from], read: (digest) => store.get(digest).catch(ifRotten) };
  }

  /** Who takes the frames stores them beside reading on: the next want shall find what the last one brought. */
  async #stored(digests: readonly Digest[], signal: AbortSignal): Promise<void> {
    const { store, clock } = this.#parts;
    for (let waitedMs = 0; waitedMs < DELTA_STORED_WAIT_MS && store.has(digests).includes(false); waitedMs += DELTA_STORED_POLL_MS) await clock.sleep(DELTA_STORED_POLL_MS, signal);
  }
}
