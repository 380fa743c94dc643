/** The core as a daemon: store, catalog and HTTP API of one data directory. */
import { chmod, mkdir } from 'node:fs/promises';
import { isIP } from 'node:net';
import { join } from 'node:path';
import { systemClock } from '../base/clock.ts';
import { asBranchcastError } from '../base/errors.ts';
import type { Logger } from '../base/log.ts';
import { openPackChunkStore } from '../store/pack-chunk-store.ts';
import { Catalog } from './catalog.ts';
import { ChangeFeed } from './change-feed.ts';
import { Committer } from './committer.ts';
import type { CoreConfig } from './config.ts';
import { createCoreApi } from './core-api.ts';
import { openLevel } from './open-level.ts';
import { ScrubJob } from '../store/scrub-job.ts';
import { SiteRegistry } from './site-registry.ts';
import { UsageLedger } from './usage-ledger.ts';

export interface RunningCore {
  /** `http://host:port` */
  readonly api: string;
  /** Ends requests under way after a grace. May be called twice. */
  close(): Promise<void>;
}

/** Resolves when the API answers. BC_STORE_LOCKED, BC_STORE_DAMAGED, BC_ADDRESS_IN_USE. */
export async function startCore(config: CoreConfig, log: Logger): Promise<RunningCore> {
  const cleanups: (() => Promise<unknown>)[] = [];
  let closing: Promise<void> | undefined;
  const close = (): Promise<void> => {
    closing ??= (async () => {
      for (const cleanup of cleanups.reverse()) await cleanup();
    })();
    return closing;
  };
  try {
    await mkdir(config.dataDir, { recursive: true, mode: 0o700 });
    await chmod(config.dataDir, 0o700);
    const db = await openLevel(join(config.dataDir, 'catalog'));
    cleanups.push(() => db.close());
    const store = await openPackChunkStore({ dir: join(config.dataDir, 'store'), packBytesTarget: config.packBytesTarget, log });
    cleanups.push(() => store.close());
    const catalog = await Catalog.open(db);
    const sites = await SiteRegistry.open(db);
    const changes = new ChangeFeed();
    const clock = systemClock;
    const scrub = new ScrubJob(store, clock, log);
    cleanups.push(() => scrub.close());
    const stop = new AbortController();
    const startedAt = new Date(clock.wallMs()).toISOString();
    const committer = new Committer({ store, catalog, changes, clock, ledger: new UsageLedger(db, catalog) });
    const api = createCoreApi(log, (traffic) => ({ store, catalog, committer, changes, sites, traffic, scrub, clock, log, startedAt, closing: stop.signal }));
    cleanups.push(async () => {
      stop.abort();
      await api.close();
    });
    if (!isLoopback(config.listen.host)) log.warn({ listen: config.listen }, 'the network is believed: whoever reaches this address can publish and fetch');
    const url = await api.listen(config.listen);
    log.info({ url, dataDir: config.dataDir, layerCount: catalog.layerCount, chunkCount: store.stats().chunkCount }, 'the core serves');
    return { api: url, close };
  } catch (thrown) {
    await close();
    throw asBranchcastError(thrown);
  }
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));
}
