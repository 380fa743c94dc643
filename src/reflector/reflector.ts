/** The reflector daemon: its parts, how they are wired, and the order in which they start and stop. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { systemClock } from '../base/clock.ts';
import { Closers } from '../base/closers.ts';
import { asBranchcastError } from '../base/errors.ts';
import type { Logger } from '../base/log.ts';
import { VERSION } from '../base/version.ts';
import { openPackChunkStore } from '../store/pack-chunk-store.ts';
import { ScrubJob } from '../store/scrub-job.ts';
import { serveBlocks } from '../swarm/block-server.ts';
import { loadOrCreateIdentity } from '../swarm/identity.ts';
import { createLanHost } from '../swarm/lan-host.ts';
import { FetchOnce } from '../transfer/fetch-once.ts';
import { CoreClient } from '../wan/core-client.ts';
import { CoreSource } from '../wan/core-source.ts';
import { Activity } from './activity.ts';
import { createReflectorApi } from './api.ts';
import type { ReflectorConfig } from './config.ts';
import { followCore } from './follow-core.ts';
import { Foresight } from './foresight.ts';
import { LayerDirectory } from './layer-directory.ts';
import { ManifestCache } from './manifest-cache.ts';
import { Prefetch } from './prefetch.ts';
import { SiteProvider } from './site-provider.ts';
import { SiteUpdates } from './site-updates.ts';
import { UpdateSource } from './update-source.ts';

export interface RunningReflector {
  readonly api: string;
  /** Multiaddrs, with the peer id. */
  readonly lan: readonly string[];
  readonly peerId: string;
  close(): Promise<void>;
}

export async function startReflector(config: ReflectorConfig, log: Logger): Promise<RunningReflector> {
  const clock = systemClock;
  const stop = new AbortController();
  const closers = new Closers();
  const close = async (): Promise<void> => {
    stop.abort();
    for (const err of await closers.close()) log.warn({ err }, 'while stopping');
  };

  try {
    await mkdir(config.dataDir, { recursive: true, mode: 0o700 });
    const store = await openPackChunkStore({ dir: join(config.dataDir, 'cache'), quotaBytes: config.cacheQuotaBytes, log });
    closers.add(() => store.close());
    const layers = await LayerDirectory.open(join(config.dataDir, 'layers'));
    closers.add(() => layers.close());
    const client = new CoreClient(config.coreUrl, { site: config.site });
    closers.add(() => client.close());

    const activity = new Activity();
    const core = new CoreSource(client, 'zstd');
    const updates = config.deltas === 'off' ? undefined : new SiteUpdates({ store, layers, log });
    const source = updates === undefined ? core : new UpdateSource({ core, store, updates, clock, log, onDelta: (use) => activity.delta(use) });
    const fetch = new FetchOnce(store, source, {
      onFrame: (frameBytes, newStoredBytes) => activity.fetched(frameBytes, newStoredBytes),
      onCorrupt: (error) => {
        activity.corrupt();
        log.error({ code: error.code, ...error.details }, error.message);
      },
    });
    closers.add(() => fetch.close());
    const manifests = new ManifestCache(store, core, stop.signal, updates === undefined ? undefined : (root) => updates.note(root));
    const prefetch = new Prefetch({ store, fetch, manifests, layers, patterns: config.prefetch, pinned: config.pinned, log, signal: stop.signal });
    closers.add(() => prefetch.settled());
    const scrub = new ScrubJob(store, clock, log);
    closers.add(() => scrub.close());

    const host = await createLanHost({ privateKey: await loadOrCreateIdentity(config.dataDir), listen: config.lanListen, log });
    closers.add(() => host.close());
    await serveBlocks(host, new SiteProvider({ store, fetch, manifests, layers, core, foresight: new Foresight({ fetch, manifests, log }) }), {
      log,
      onServed: (_peerId, frameBytes) => activity.served(frameBytes),
    });

    let coreReachable: boolean | undefined;
    const status = (): Record<string, unknown> => ({
      role: 'reflector',
      version: VERSION,
      site: config.site,
      peerId: host.peerId,
      addresses: host.addresses(),
      coreUrl: config.coreUrl,
      coreReachable,
      layerCount: layers.layers.length,
      connectionCount: host.connectionCount(),
      pendingChunkCount: fetch.pendingCount,
      cache: store.stats(),
      activity: activity.figures(),
      rssBytes: process.memoryUsage.rss(),
    });
    const api = createReflectorApi({ log, store, scrub, activity, status, connectionCount: () => host.connectionCount() });
    closers.add(() => api.close());
    const apiUrl = await api.listen(config.apiListen);

    const following = followCore({
      client,
      layers,
      clock,
      log,
      signal: stop.signal,
      onLayers: (added) => prefetch.announce(added),
      onReachable: (reachable) => {
        // After an outage, and at start: whatever was asked for and is not here yet.
        if (reachable && coreReachable !== true) prefetch.announce(layers.layers);
        coreReachable = reachable;
      },
    });
    const reporting = report();
    closers.add(() => Promise.all([following, reporting]));
    return { api: apiUrl, lan: host.addresses(), peerId: host.peerId, close };

    async function report(): Promise<void> {
      while (!stop.signal.aborted) {
        if (coreReachable === true) {
          await client
            .report(config.site, host.peerId, { ...status(), role: 'reflector' }, { signal: stop.signal })
            .catch((thrown: unknown) => log.debug({ err: asBranchcastError(thrown) }, 'the core did not take the report'));
        }
        await clock.sleep(config.reportIntervalMs, stop.signal).catch(() => undefined);
      }
    }
  } catch (thrown) {
    await close();
    throw asBranchcastError(thrown);
  }
}
