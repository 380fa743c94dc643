/**
 * Makes the frames of hot layers longer and denser for the WAN, in the background: one layer at a time, one frame at a time, on one thread of low
 * priority, and only while nobody publishes. Hot is the newest version of each name, and what was fetched lately. A run that dies goes on where it
 * was: frames that are made already are known by their length.
 */
import type { Clock } from '../base/clock.ts';
import { asBranchcastError, BranchcastError, throwIfAborted } from '../base/errors.ts';
import { REPACK_BATCH_CHUNKS, REPACK_FETCHED_MAX, REPACK_RETRY_MS, REPACKS_ASKED_MAX } from '../base/limits/repacking.ts';
import type { Logger } from '../base/log.ts';
import type { Digest } from '../chunking/digest.ts';
import { Manifest, type ManifestChunk } from '../manifest/read.ts';
import { storedShare, type ChunkLocation, type ChunkStore, type PackKeeper } from '../store/chunk-store.ts';
import { FrameWorkers } from '../store/frame-workers.ts';
import { ifRotten } from '../store/store-errors.ts';
import type { PublishedLayer, RepackStatus } from '../wan/api-messages.ts';
import type { Catalog } from './catalog.ts';
import type { Quiet } from './quiet.ts';
import type { RepackLedger } from './repack-ledger.ts';
import { FrameUse, RepackPlan, type PlannedFrame } from './repack-plan.ts';
import type { UsageLedger } from './usage-ledger.ts';

export interface RepackParts {
  readonly store: ChunkStore & PackKeeper;
  readonly catalog: Catalog;
  readonly usage: UsageLedger;
  readonly ledger: RepackLedger;
  readonly quiet: Quiet;
  readonly clock: Clock;
  readonly log: Logger;
  /** False: only layers that are asked for. */
  readonly automatic: boolean;
  /** zstd, 1 to 19. */
  readonly level: number;
}

/** A new frame is kept if it is smaller than what it takes the place of by so much: less does not pay for its disk and its churn. */
const SAVED_SHARE_MIN = 0.02;

export class RepackJob {
  readonly #parts: RepackParts;
  readonly #abort = new AbortController();
  /** Asked for by somebody: does not wait for quiet. The first may be under way. */
  readonly #asked: PublishedLayer[] = [];
  readonly #fetched = new Set<Digest>();
  #wake = Promise.withResolvers<void>();
  /** Ends the wait under way, when somebody asks or the core stops. */
  #pause = new AbortController();
  #running: Promise<void> | undefined;
  #status: RepackStatus = { state: 'idle', askedCount: 0, layerCount: 0, frameCount: 0, savedBytes: 0, freedBytes: 0 };

  constructor(parts: RepackParts) {
    this.#parts = parts;
  }

  get status(): RepackStatus {
    return { ...this.#status, askedCount: this.#asked.length };
  }

  /** What came of the layer; undefined if it was not repacked. */
  of(layer: PublishedLayer): ReturnType<RepackLedger['of']> {
    return this.#parts.ledger.of(layer.sequence);
  }

  start(): void {
    this.#running ??= this.#run();
  }

  /** Without waiting for quiet, and again if it was done before. BC_BUSY. */
  ask(layers: readonly PublishedLayer[]): RepackStatus {
    if (this.#asked.length + layers.length > REPACKS_ASKED_MAX) throw new BranchcastError('BC_BUSY', `${this.#asked.length} layers wait to be repacked`);
    this.#asked.push(...layers);
    if (this.#status.state !== 'running') this.#status = { ...this.#status, state: 'running' };
    this.#pause.abort();
    this.wake();
    return this.status;
  }

  /** There may be something to do. */
  wake(): void {
    this.#wake.resolve();
  }

  /** A site fetches the manifest with this root. */
  fetched(root: Digest): void {
    this.#fetched.delete(root);
    this.#fetched.add(root);
    for (const oldest of this.#fetched) {
      if (this.#fetched.size <= REPACK_FETCHED_MAX) break;
      this.#fetched.delete(oldest);
    }
    this.wake();
  }

  async close(): Promise<void> {
    this.#abort.abort(new BranchcastError('BC_CANCELLED', 'the core stops'));
    this.#pause.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { signal } = this.#abort;
    while (!signal.aborted) {
      this.#wake = Promise.withResolvers();
      try {
        const [asked] = this.#asked;
        if (asked !== undefined) {
          await this.#repack(asked, false).finally(() => this.#asked.shift());
          continue;
        }
        const hot = await this.#nextHot();
        if (hot !== undefined) await this.#repack(hot, true);
        else if (this.#asked.length === 0) {
          this.#status = idle(this.#status, 'idle');
          await Promise.race([this.#wake.promise, aborted(signal)]);
        }
      } catch (thrown) {
        if (signal.aborted) break;
        const error = asBranchcastError(thrown);
        this.#status = { ...idle(this.#status, 'failed'), error: error.message };
        this.#parts.log.warn({ err: error }, 'repacking failed; it is tried again later');
        await this.#unlessAsked((pause) => this.#parts.clock.sleep(REPACK_RETRY_MS, pause)).catch(() => undefined);
      }
    }
  }

  async #nextHot(): Promise<PublishedLayer | undefined> {
    const { automatic, catalog, ledger } = this.#parts;
    if (!automatic) return undefined;
    const find = async (): Promise<PublishedLayer | undefined> => {
      const fetched = [...this.#fetched].reverse().map((root) => catalog.resolve({ root }));
      return [...fetched, ...(await catalog.newest())].find((layer) => layer !== undefined && ledger.of(layer.sequence) === undefined);
    };
    if ((await find()) === undefined) return undefined;
    this.#status = idle(this.#status, 'waiting');
    await this.#untilQuiet();
    return this.#asked.length > 0 ? undefined : find();
  }

  #untilQuiet(): Promise<void> {
    return this.#unlessAsked((pause) => this.#parts.quiet.wait(pause));
  }

  /** Waits, but only until somebody asks: they would wait behind it. */
  async #unlessAsked(wait: (pause: AbortSignal) => Promise<void>): Promise<void> {
    throwIfAborted(this.#abort.signal);
    if (this.#asked.length > 0) return;
    const pause = (this.#pause = new AbortController());
    await wait(pause.signal).catch((error: unknown) => {
      if (!pause.signal.aborted) throw error;
    });
    throwIfAborted(this.#abort.signal);
  }

  async #repack(layer: PublishedLayer, politely: boolean): Promise<void> {
    const { store, ledger, clock, log, level } = this.#parts;
    const { signal } = this.#abort;
    const name = `${layer.name}@${layer.version}`;
    const startedMs = clock.monotonicMs();
    const use = new FrameUse();
    let beforeBytes = 0;
    for await (const { location } of this.#located(layer)) {
      use.add(location);
      beforeBytes += storedShare(location);
    }
    const plan = new RepackPlan(use);
    const workers = new FrameWorkers(1, 1, { yields: true });
    let [frameCount, doneBytes] = [0, 0];
    const make = async (frames: Iterable<PlannedFrame>): Promise<void> => {
      for (const frame of frames) {
        if (politely) await this.#untilQuiet();
        if (await this.#make(frame, workers)) frameCount += 1;
      }
    };
    try {
      for await (const { digest, bytes, location } of this.#located(layer)) {
        await make(plan.add({ digest, generation: this.#parts.usage.firstUse(digest) ?? layer.sequence, location }));
        doneBytes += bytes;
        this.#status = { ...this.#status, state: 'running', layer: name, doneBytes, totalBytes: layer.chunkBytes };
      }
      await make(plan.finish());
    } finally {
      await workers.close();
    }
    let afterBytes = 0;
    for await (const { location } of this.#located(layer)) afterBytes += storedShare(location);
    const repacked = { beforeBytes: Math.round(beforeBytes), afterBytes: Math.round(afterBytes), level, finishedAt: new Date(clock.wallMs()).toISOString() };
    await ledger.note(layer.sequence, repacked);
    // Who located the old frames a moment ago may still come for them.
    if (politely) await this.#untilQuiet();
    const freedBytes = await store.reclaim(signal);
    this.#status = {
      ...this.#status, layerCount: this.#status.layerCount + 1, frameCount: this.#status.frameCount + frameCount,
      savedBytes: this.#status.savedBytes + Math.max(0, repacked.beforeBytes - repacked.afterBytes), freedBytes: this.#status.freedBytes + freedBytes,
    };
    log.info({ layer: name, ...repacked, frameCount, freedBytes, seconds: Math.round((clock.monotonicMs() - startedMs) / 1000) }, 'repacked a layer');
  }

  /** Every chunk of the layer in the order of the tree, and where it stands. */
  async *#located(layer: PublishedLayer): AsyncGenerator<ManifestChunk & { readonly location: ChunkLocation }, void, undefined> {
    const { store } = this.#parts;
    let batch: ManifestChunk[] = [];
    const locate = function* (): Generator<ManifestChunk & { readonly location: ChunkLocation }> {
      const locations = store.locate(batch.map(({ digest }) => digest));
      for (const [index, chunk] of batch.entries()) {
        const location = locations[index];
        if (location !== undefined) yield { ...chunk, location };
      }
      batch = [];
    };
    for await (const chunk of new Manifest(layer.root, (digest) => store.get(digest)).chunks()) {
      throwIfAborted(this.#abort.signal);
      batch.push(chunk);
      if (batch.length === REPACK_BATCH_CHUNKS) yield* locate();
    }
    yield* locate();
  }

  /** False if it would not pay, or what it is to be made of has rotted. */
  async #make({ digests, storedBytes }: PlannedFrame, workers: FrameWorkers): Promise<boolean> {
    const { store, level } = this.#parts;
    throwIfAborted(this.#abort.signal);
    const draft = await workers.draft();
    for (const digest of digests) {
      const bytes = await store.get(digest).catch(ifRotten);
      if (bytes !== undefined) draft.add(digest, bytes);
    }
    if (draft.chunkCount < digests.length) {
      workers.discard(draft);
      return false;
    }
    const made = await workers.encode(draft, level);
    try {
      if (made.bytes.byteLength > storedBytes * (1 - SAVED_SHARE_MIN)) return false;
      await store.restore([new Uint8Array(made.bytes)]);
      return true;
    } finally {
      made.release();
    }
  }
}

function idle({ layer: _layer, doneBytes: _doneBytes, totalBytes: _totalBytes, error: _error, ...rest }: RepackStatus, state: RepackStatus['state']): RepackStatus {
  return { ...rest, state };
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
