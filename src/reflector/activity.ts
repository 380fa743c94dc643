/** What a reflector did since it started, for its status, its metrics and its reports. Counts only; nothing decides on them. */
import type { Registry } from 'prom-client';
import { exposeCounter, exposeGauge } from '../base/metrics.ts';
import type { ChunkStore } from '../store/chunk-store.ts';

export interface ActivityFigures {
  /** Frame bytes that came from the core. */
  readonly wanFrameBytes: number;
  /** Of those, what the cache grew by: the rest was there already. */
  readonly wanNewBytes: number;
  /** Frame bytes served to endpoints. */
  readonly servedBytes: number;
  /** Times that the core sent bytes which are not what their digest says. */
  readonly corruptCount: number;
}

export class Activity {
  #wanFrameBytes = 0;
  #wanNewBytes = 0;
  #servedBytes = 0;
  #corruptCount = 0;

  fetched(frameBytes: number, newStoredBytes: number): void {
    this.#wanFrameBytes += frameBytes;
    this.#wanNewBytes += newStoredBytes;
  }

  served(frameBytes: number): void {
    this.#servedBytes += frameBytes;
  }

  corrupt(): void {
    this.#corruptCount += 1;
  }

  figures(): ActivityFigures {
    return { wanFrameBytes: this.#wanFrameBytes, wanNewBytes: this.#wanNewBytes, servedBytes: this.#servedBytes, corruptCount: this.#corruptCount };
  }

  /** The same figures for Prometheus, read when it scrapes. */
  expose(registry: Registry, store: ChunkStore, connectionCount: () => number): void {
    exposeCounter(registry, 'branchcast_wan_received_bytes_total', 'Bytes of frames received from the core.', () => this.#wanFrameBytes);
    exposeCounter(registry, 'branchcast_lan_served_bytes_total', 'Bytes of frames served to endpoints.', () => this.#servedBytes);
    exposeCounter(registry, 'branchcast_corrupt_total', 'Times that the core sent wrong bytes.', () => this.#corruptCount);
    exposeGauge(registry, 'branchcast_cache_stored_bytes', 'Bytes of the cache on the disk.', () => store.stats().storedBytes);
    exposeGauge(registry, 'branchcast_cache_chunks', 'Chunks in the cache.', () => store.stats().chunkCount);
    exposeGauge(registry, 'branchcast_lan_connections', 'Endpoints that are connected.', connectionCount);
  }
}
