/** The endpoint daemon: its parts, how they are wired, and the order in which they start and stop. */
import { mkdir } from 'node:fs/promises';
import { systemClock } from '../base/clock.ts';
import { Closers } from '../base/closers.ts';
import { asBranchcastError } from '../base/errors.ts';
import { createHttpApi } from '../base/http-api.ts';
import type { Logger } from '../base/log.ts';
import { exposeCounter } from '../base/metrics.ts';
import { VERSION } from '../base/version.ts';
import { loadOrCreateIdentity } from '../swarm/identity.ts';
import { createLanHost } from '../swarm/lan-host.ts';
import { Assignment } from './assignment.ts';
import type { AgentConfig } from './config.ts';
import type { BytesBySource } from './pull-layer.ts';
import { createSiteSources } from './site-sources.ts';

export interface RunningAgent {
  readonly api: string;
  readonly peerId: string;
  close(): Promise<void>;
}

export async function startAgent(config: AgentConfig, log: Logger): Promise<RunningAgent> {
  const clock = systemClock;
  const stop = new AbortController();
  const closers = new Closers();
  const close = async (): Promise<void> => {
    stop.abort();
    for (const err of await closers.close()) log.warn({ err }, 'while stopping');
  };

  try {
    await mkdir(config.dataDir, { recursive: true, mode: 0o700 });
    const host = await createLanHost({ privateKey: await loadOrCreateIdentity(config.dataDir), listen: [], log });
    closers.add(() => host.close());
    const site = createSiteSources({ ...config, giveUpAfterMs: Math.max(config.coreFallbackAfterMs * 2, config.pollIntervalMs), host, clock, log });
    closers.add(() => site.close());
    const assignments = config.assignments.map(
      (assignment) => new Assignment({ ...assignment, pollIntervalMs: config.pollIntervalMs, driftCheckIntervalMs: config.driftCheckIntervalMs, deltas: config.deltas === 'on', spare: config.spare === 'on', sources: site.sources, clock, log, signal: stop.signal }),
    );

    const status = (): Record<string, unknown> => ({
      role: 'agent',
      version: VERSION,
      site: config.site,
      peerId: host.peerId,
      reflectors: config.reflectors,
      coreUrl: config.coreUrl,
      coreFallback: config.coreFallback,
      assignments: assignments.map((assignment) => assignment.status),
      rssBytes: process.memoryUsage.rss(),
    });
    const api = createHttpApi({ role: 'agent', log });
    closers.add(() => api.close());
    for (const source of ['reflector', 'peers', 'core', 'seed'] satisfies (keyof BytesBySource)[]) {
      exposeCounter(api.metrics, `branchcast_received_${source}_bytes_total`, `Bytes that came from: ${source}.`, () => assignments.reduce((sum, { totals }) => sum + totals[source], 0));
    }
    api.app.get('/v1/status', status);
    const apiUrl = await api.listen(config.apiListen);

    const working = [...assignments.map((assignment) => assignment.follow()), report()];
    closers.add(() => Promise.all(working));
    return { api: apiUrl, peerId: host.peerId, close };

    async function report(): Promise<void> {
      while (site.core !== undefined && !stop.signal.aborted) {
        await clock.sleep(config.reportIntervalMs, stop.signal).catch(() => undefined);
        if (stop.signal.aborted) return;
        await site.core
          .report(config.site, host.peerId, { ...status(), role: 'agent' }, { signal: stop.signal })
          .catch((thrown: unknown) => log.debug({ err: asBranchcastError(thrown) }, 'the core did not take the report'));
      }
    }
  } catch (thrown) {
    await close();
    throw asBranchcastError(thrown);
  }
}
