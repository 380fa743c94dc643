/** The core as a daemon: store, catalog and HTTP API of one data directory. */
import { chmod, mkdir } from 'node:fs/promises';
import { isIP } from 'node:net';
import { join } from 'node:path';
import { systemClock } from '../base/clock.ts';
import { Closers } from '../base/closers.ts';
import { asBranchcastError } from '../base/errors.ts';
import type { Logger } from '../base/log.ts';
import { openPackChunkStore } from '../store/pack-chunk-store.ts';
import { Catalog } from './catalog.ts';
import { ChangeFeed } from './change-feed.ts';
import { Committer } from './committer.ts';
import type { CoreConfig } from './config.ts';
import { DeltaShelf } from './delta-shelf.ts';
import { Deltas } from './deltas.ts';
import { createCoreApi } from './core-api.ts';
import { openLevel } from './open-level.ts';
import { ScrubJob } from '../store/scrub-job.ts';
import { storeWorkers } from '../store/store-workers.ts';
import { Quiet } from './quiet.ts';
import { RepackJob } from './repack-job.ts';
import { RepackLedger } from './repack-ledger.ts';
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
  const closers = new Closers();
  const close = async (): Promise<void> => {
    const [first, ...others] = await closers.close();
    for (const err of others) log.warn({ err }, 'while stopping');
    if (first !== undefined) throw first;
  };
  try {
    await mkdir(config.dataDir, { recursive: true, mode: 0o700 });
    await chmod(config.dataDir, 0o700);
    const db = await openLevel(join(config.dataDir, 'catalog'));
    closers.add(() => db.close());
    const store = await openPackChunkStore({ dir: join(config.dataDir, 'store'), packBytesTarget: config.packBytesTarget, log });
    closers.add(() => store.close());
    const catalog = await Catalog.open(db);
    const sites = await SiteRegistry.open(db);
    const changes = new ChangeFeed();
    const clock = systemClock;
    const scrub = new ScrubJob(store, clock, log);
    closers.add(() => scrub.close());
    const deltas = config.deltas === 'off' ? undefined : new Deltas({
      store, log, shelf: await DeltaShelf.open(join(config.dataDir, 'deltas'), config.deltaCacheBytes), sequenceOf: (root) => catalog.resolve({ root })?.sequence,
    });
    closers.add(async () => deltas?.close());
    const stop = new AbortController();
    const startedAt = new Date(clock.wallMs()).toISOString();
    const usage = new UsageLedger(db, catalog);
    const committer = new Committer({ store, catalog, changes, clock, ledger: usage });
    const quiet = new Quiet(clock, config.repackQuiet);
    const repack = new RepackJob({ store, catalog, usage, ledger: new RepackLedger(db), quiet, clock, log, automatic: config.repack === 'on', level: config.repackLevel });
    closers.add(() => repack.close());
    const api = createCoreApi(log, (traffic) => ({ store, catalog, committer, changes, sites, traffic, scrub, deltas, repack, quiet, clock, log, startedAt, closing: stop.signal }));
    closers.add(async () => {
      stop.abort();
      await api.close();
    });
    if (!isLoopback(config.listen.host)) log.warn({ listen: config.listen }, 'the network is believed: whoever reaches this address can publish and fetch');
    const url = await api.listen(config.listen);
    repack.start();
    // Of the first publish it would cost a twentieth.
    storeWorkers().start();
    log.info({ url, dataDir: config.dataDir, layerCount: catalog.layerCount, chunkCount: store.stats().chunkCount }, 'the core serves');
    return { api: url, close };
  } catch (thrown) {
    await close().catch((error: unknown) => log.warn({ err: error }, 'while stopping'));
    throw asBranchcastError(thrown);
  }
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));
}
