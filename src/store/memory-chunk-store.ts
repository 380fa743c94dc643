/** A ChunkStore in memory, for tests and for small things. Each frame is a pack of its own, and eviction works frame by frame. */
import { throwIfAborted } from '../base/errors.ts';
import type { Digest } from '../chunking/digest.ts';
import type { ChunkLocation, ChunkStore, FrameLocation, PackReader, PutResult, ScrubOptions, ScrubReport, StoreStats } from './chunk-store.ts';
import { checkFrame, decodeFrame } from './frame-decode.ts';
import type { FrameHeader } from './frame-header.ts';
import { Ghosts } from './ghosts.ts';
import { Pins } from './pins.ts';
import { planPut, type PutPlan } from './put-plan.ts';
import { S3Fifo } from './s3-fifo.ts';
import { badRange, packNotFound, quotaExceeded, rotten, storeClosed } from './store-errors.ts';
import { verifyFrames, type VerifiedFrame } from './verify-frames.ts';

interface Held {
  readonly bytes: Uint8Array;
  readonly header: FrameHeader;
  readonly location: FrameLocation;
  /** Pinned chunks that the index finds here. */
  pinnedCount: number;
  readerCount: number;
}

export class MemoryChunkStore implements ChunkStore, PackReader {
  readonly #quotaBytes: number | undefined;
  readonly #frames = new Map<string, Held>();
  readonly #chunks = new Map<Digest, { readonly held: Held; readonly location: ChunkLocation }>();
  readonly #eviction: S3Fifo;
  readonly #ghosts = new Ghosts();
  readonly #pins: Pins;
  readonly #underWay = new Set<Promise<unknown>>();
  #nextPack = 0;
  #storedBytes = 0;
  #evictedBytes = 0;
  #hitCount = 0;
  #missCount = 0;
  #corruptCount = 0;
  #closed = false;

  constructor(options: { readonly quotaBytes?: number } = {}) {
    this.#quotaBytes = options.quotaBytes;
    this.#eviction = new S3Fifo(options.quotaBytes ?? Number.POSITIVE_INFINITY);
    this.#pins = new Pins({
      pinned: (digest) => this.#countPinned(digest, 1),
      unpinned: (digest) => this.#countPinned(digest, -1),
    });
  }

  has(digests: readonly Digest[]): boolean[] {
    this.#checkOpen();
    return digests.map((digest) => this.#chunks.has(digest));
  }

  locate(digests: readonly Digest[]): (ChunkLocation | undefined)[] {
    this.#checkOpen();
    return digests.map((digest) => this.#find(digest)?.location);
  }

  async get(digest: Digest): Promise<Uint8Array | undefined> {
    this.#checkOpen();
    const held = this.#find(digest)?.held;
    if (held === undefined) return undefined;
    try {
      return decodeFrame(held.bytes, { only: new Set([digest]) })[0]?.bytes;
    } catch (cause) {
      this.#drop(held);
      throw rotten(held.location, `chunk ${digest}`, cause);
    }
  }

  async readFrame(location: FrameLocation): Promise<Uint8Array | undefined> {
    this.#checkOpen();
    const held = this.#frames.get(location.packId);
    if (held === undefined || location.offsetBytes !== 0 || location.storedBytes !== held.bytes.byteLength) return undefined;
    try {
      checkFrame(held.bytes);
      return held.bytes;
    } catch (cause) {
      this.#drop(held);
      throw rotten(location, 'a frame', cause);
    }
  }

  async put(frames: readonly Uint8Array[]): Promise<PutResult> {
    this.#checkOpen();
    const work = verifyFrames(frames).then((verified) => {
      const plan = this.#planWithRoom(verified);
      for (const frame of plan.frames) this.#keep(frame);
      return plan.result;
    });
    this.#underWay.add(work);
    try {
      return await work;
    } finally {
      this.#underWay.delete(work);
    }
  }

  pin(name: string, digests: Iterable<Digest>): void {
    this.#checkOpen();
    this.#pins.pin(name, digests);
  }

  unpin(name: string): void {
    this.#checkOpen();
    this.#pins.unpin(name);
  }

  stats(): StoreStats {
    let rawBytes = 0;
    for (const { location } of this.#chunks.values()) rawBytes += location.chunkBytes;
    let pinnedBytes = 0;
    if (this.#quotaBytes !== undefined) for (const held of this.#frames.values()) if (held.pinnedCount > 0) pinnedBytes += held.bytes.byteLength;
    return {
      chunkCount: this.#chunks.size, frameCount: this.#frames.size, packCount: this.#frames.size,
      rawBytes, storedBytes: this.#storedBytes, quotaBytes: this.#quotaBytes, pinnedBytes,
      evictedBytes: this.#evictedBytes, hitCount: this.#hitCount, missCount: this.#missCount, corruptCount: this.#corruptCount,
    };
  }

  async scrub(options: ScrubOptions = {}): Promise<ScrubReport> {
    this.#checkOpen();
    const totalBytes = this.#storedBytes;
    const report = { frameCount: 0, chunkCount: 0, rawBytes: 0, dropped: [] as Digest[] };
    let doneBytes = 0;
    for (const held of this.#frames.values()) {
      throwIfAborted(options.signal);
      const live = held.header.chunks.filter(({ digest }) => this.#chunks.get(digest)?.held === held);
      report.frameCount += 1;
      report.chunkCount += live.length;
      report.rawBytes += live.reduce((sum, chunk) => sum + chunk.bytes, 0);
      try {
        decodeFrame(held.bytes);
      } catch {
        this.#drop(held);
        report.dropped.push(...live.map((chunk) => chunk.digest));
      }
      doneBytes += held.bytes.byteLength;
      options.onProgress?.(doneBytes, Math.max(totalBytes, doneBytes));
    }
    return report;
  }

  async close(): Promise<void> {
    this.#closed = true;
    await Promise.allSettled(this.#underWay);
  }

  packBytes(packId: string): number | undefined {
    this.#checkOpen();
    return this.#frames.get(packId)?.bytes.byteLength;
  }

  async *readPack(packId: string, startBytes: number, endBytes: number, signal?: AbortSignal): AsyncGenerator<Uint8Array, void, undefined> {
    this.#checkOpen();
    const held = this.#frames.get(packId);
    if (held === undefined) throw packNotFound(packId);
    const packBytes = held.bytes.byteLength;
    if (!(startBytes >= 0 && startBytes <= endBytes && endBytes <= packBytes)) throw badRange(packId, startBytes, endBytes, packBytes);
    throwIfAborted(signal);
    held.readerCount += 1;
    try {
      yield held.bytes.subarray(startBytes, endBytes);
    } finally {
      held.readerCount -= 1;
    }
  }

  #find(digest: Digest): { readonly held: Held; readonly location: ChunkLocation } | undefined {
    const found = this.#chunks.get(digest);
    if (found === undefined) {
      this.#missCount += 1;
    } else {
      this.#hitCount += 1;
      this.#eviction.use(found.location.packId, found.location.chunkBytes / found.location.rawBytes);
    }
    return found;
  }

  /** Making room may evict what made a frame look known, so the plan is made again until nothing had to go for it. */
  #planWithRoom(frames: readonly VerifiedFrame[]): PutPlan {
    for (;;) {
      const plan = planPut(frames, (digest) => this.#chunks.has(digest));
      if (!this.#makeRoom(plan.result.newStoredBytes)) return plan;
    }
  }

  /** True if something was evicted for it. */
  #makeRoom(neededBytes: number): boolean {
    const quotaBytes = this.#quotaBytes;
    if (quotaBytes === undefined || this.#storedBytes + neededBytes <= quotaBytes) return false;
    const mayGo = (held: Held): boolean => held.pinnedCount === 0 && held.readerCount === 0;
    let heldBytes = 0;
    for (const held of this.#frames.values()) if (!mayGo(held)) heldBytes += held.bytes.byteLength;
    if (heldBytes + neededBytes > quotaBytes) throw quotaExceeded(neededBytes, quotaBytes, heldBytes);
    while (this.#storedBytes + neededBytes > quotaBytes) {
      const victim = this.#eviction.victim((id) => mayGo(this.#frames.get(id) as Held));
      const held = this.#frames.get(victim as string) as Held;
      for (const { digest } of held.header.chunks) this.#ghosts.add(digest);
      this.#evictedBytes += held.bytes.byteLength;
      this.#remove(held);
    }
    return true;
  }

  #keep({ bytes, header }: VerifiedFrame): void {
    const packId = `m${(this.#nextPack++).toString(36)}`;
    const location: FrameLocation = { packId, offsetBytes: 0, storedBytes: header.storedBytes, rawBytes: header.rawBytes };
    // The caller's buffer may be a view of a much larger one, or be filled again: keep a copy.
    const held: Held = { bytes: Uint8Array.from(bytes), header, location, pinnedCount: 0, readerCount: 0 };
    let ghostBytes = 0;
    for (const { digest, bytes: chunkBytes } of header.chunks) {
      this.#unlink(digest);
      if (this.#ghosts.has(digest)) ghostBytes += chunkBytes;
      this.#chunks.set(digest, { held, location: { ...location, chunkBytes } });
      if (this.#pins.isPinned(digest)) held.pinnedCount += 1;
    }
    this.#frames.set(packId, held);
    this.#storedBytes += held.bytes.byteLength;
    this.#eviction.insert(packId, held.bytes.byteLength, ghostBytes * 2 >= header.rawBytes);
  }

  #drop(held: Held): void {
    this.#corruptCount += 1;
    this.#remove(held);
  }

  #remove(held: Held): void {
    for (const { digest } of held.header.chunks) if (this.#chunks.get(digest)?.held === held) this.#unlink(digest);
    if (!this.#frames.delete(held.location.packId)) return;
    this.#eviction.remove(held.location.packId);
    this.#storedBytes -= held.bytes.byteLength;
  }

  #unlink(digest: Digest): void {
    const found = this.#chunks.get(digest);
    if (found !== undefined && this.#pins.isPinned(digest)) found.held.pinnedCount -= 1;
    this.#chunks.delete(digest);
  }

  #countPinned(digest: Digest, by: 1 | -1): void {
    const held = this.#chunks.get(digest)?.held;
    if (held !== undefined) held.pinnedCount += by;
  }

  #checkOpen(): void {
    if (this.#closed) throw storeClosed();
  }
}
