/** The sources that an endpoint's settings name: the site's reflectors, preferred first, then the core. */
import type { Clock } from '../base/clock.ts';
import type { Logger } from '../base/log.ts';
import type { LanHost } from '../swarm/lan-host.ts';
import { LanSource } from '../swarm/lan-source.ts';
import { Sources } from '../transfer/ask-sources.ts';
import { CoreClient } from '../wan/core-client.ts';
import { CoreSource } from '../wan/core-source.ts';

export interface SiteSourcesOptions {
  /** Multiaddrs, one for each reflector. */
  readonly reflectors: readonly string[];
  readonly coreUrl: string | undefined;
  readonly coreFallback: 'allow' | 'never';
  readonly coreFallbackAfterMs: number;
  /** Give up a pull when no source has helped for this long. */
  readonly giveUpAfterMs: number;
  readonly site: string;
  readonly host: LanHost;
  readonly clock: Clock;
  readonly log: Logger;
}

export interface SiteSources {
  readonly sources: Sources;
  /** For reports; undefined when no core is configured. */
  readonly core: CoreClient | undefined;
  close(): Promise<void>;
}

export function createSiteSources(options: SiteSourcesOptions): SiteSources {
  const { reflectors, coreUrl, coreFallback, coreFallbackAfterMs, giveUpAfterMs, site, host, clock, log } = options;
  const lan = reflectors.map((address) => new LanSource(host, [address], { log }));
  const core = coreUrl === undefined ? undefined : new CoreClient(coreUrl, { site });
  return {
    sources: new Sources({
      sources: core === undefined ? lan : [...lan, new CoreSource(core)],
      policy: { coreAllowed: coreFallback === 'allow', coreAfterMs: coreFallbackAfterMs },
      giveUpAfterMs,
      clock,
      log,
    }),
    core,
    async close() {
      await Promise.all([...lan.map((source) => source.close()), core?.close()]);
    },
  };
}
