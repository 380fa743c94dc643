/** What a reflector did since it started, for its status, its metrics and its reports. Counts only; nothing decides on them. */
import type { Registry } from 'prom-client';
import { exposeCounter, exposeGauge } from '../base/metrics.ts';
import type { ChunkStore } from '../store/chunk-store.ts';
import type { DeltaUse } from '../transfer/chunk-source.ts';

export interface ActivityFigures {
  /** Frame bytes that came from the core; what came as a delta counts as the delta. */
  readonly wanFrameBytes: number;
  /** Of those, what the cache grew by: the rest was there already. */
  readonly wanNewBytes: number;
  /** Delta frames among them, their bytes, what they saved, and how many could not be used. */
  readonly deltaFrameCount: number;
  readonly deltaBytes: number;
  readonly deltaSavedBytes: number;
  readonly deltaUnusedCount: number;
  /** Frame bytes served to endpoints. */
  readonly servedBytes: number;
  /** Times that the core sent bytes which are not what their digest says. */
  readonly corruptCount: number;
}

export class Activity {
  #wanFrameBytes = 0;
  /** Bytes of frames that were made of deltas here, and are not told of as fetched yet: no network carried them. */
  #madeBytes = 0;
  #wanNewBytes = 0;
  #deltaFrameCount = 0;
  #deltaBytes = 0;
  #deltaSavedBytes = 0;
  #deltaUnusedCount = 0;
  #servedBytes = 0;
  #corruptCount = 0;

  fetched(frameBytes: number, newStoredBytes: number): void {
    const madeBytes = Math.min(this.#madeBytes, frameBytes);
    this.#madeBytes -= madeBytes;
    this.#wanFrameBytes += frameBytes - madeBytes;
    this.#wanNewBytes += newStoredBytes;
  }

  /** A delta came; the frame that is made of it, if any, is told of as fetched. */
  delta({ deltaBytes, frameBytes, fullBytes }: DeltaUse): void {
    this.#wanFrameBytes += deltaBytes;
    this.#madeBytes += frameBytes;
    this.#deltaFrameCount += 1;
    this.#deltaBytes += deltaBytes;
    this.#deltaSavedBytes += fullBytes - deltaBytes;
    if (frameBytes === 0) this.#deltaUnusedCount += 1;
  }

  served(frameBytes: number): void {
    this.#servedBytes += frameBytes;
  }

  corrupt(): void {
    this.#corruptCount += 1;
  }

  figures(): ActivityFigures {
    return {
      wanFrameBytes: this.#wanFrameBytes, wanNewBytes: this.#wanNewBytes,
      deltaFrameCount: this.#deltaFrameCount, deltaBytes: this.#deltaBytes, deltaSavedBytes: this.#deltaSavedBytes, deltaUnusedCount: this.#deltaUnusedCount,
      servedBytes: this.#servedBytes, corruptCount: this.#corruptCount,
    };
  }

  /** The same figures for Prometheus, read when it scrapes. */
  expose(registry: Registry, store: ChunkStore, connectionCount: () => number): void {
    exposeCounter(registry, 'branchcast_wan_received_bytes_total', 'Bytes of frames received from the core.', () => this.#wanFrameBytes);
    exposeCounter(registry, 'branchcast_delta_frames_total', 'Delta frames received from the core.', () => this.#deltaFrameCount);
    exposeCounter(registry, 'branchcast_delta_received_bytes_total', 'Bytes of delta frames received from the core.', () => this.#deltaBytes);
    exposeGauge(registry, 'branchcast_delta_saved_bytes', 'Bytes that deltas saved on the way from the core, since the start.', () => this.#deltaSavedBytes);
    exposeCounter(registry, 'branchcast_delta_unused_total', 'Delta frames that could not be used: their chunks were fetched whole.', () => this.#deltaUnusedCount);
    exposeCounter(registry, 'branchcast_lan_served_bytes_total', 'Bytes of frames served to endpoints.', () => this.#servedBytes);
    exposeCounter(registry, 'branchcast_corrupt_total', 'Times that the core sent wrong bytes.', () => this.#corruptCount);
    exposeGauge(registry, 'branchcast_cache_stored_bytes', 'Bytes of the cache on the disk.', () => store.stats().storedBytes);
    exposeGauge(registry, 'branchcast_cache_chunks', 'Chunks in the cache.', () => store.stats().chunkCount);
    exposeGauge(registry, 'branchcast_lan_connections', 'Endpoints that are connected.', connectionCount);
  }
}
