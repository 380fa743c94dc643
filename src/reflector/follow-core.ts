/** Follows the core's catalog: new layers come into the directory within moments, by long poll; after an outage it catches up. */
import type { Clock } from '../base/clock.ts';
import { asBranchcastError } from '../base/errors.ts';
import { CHANGES_WAIT_MS_MAX } from '../base/limits/daemons.ts';
import { SOURCE_BACKOFF_FIRST_MS, SOURCE_BACKOFF_LAST_MS } from '../base/limits/fetching.ts';
import type { Logger } from '../base/log.ts';
import type { CoreClient } from '../wan/core-client.ts';
import type { KnownLayer, LayerDirectory } from './layer-directory.ts';

export interface FollowOptions {
  readonly client: CoreClient;
  readonly layers: LayerDirectory;
  readonly clock: Clock;
  readonly log: Logger;
  readonly signal: AbortSignal;
  readonly onLayers: (layers: readonly KnownLayer[]) => void;
  readonly onReachable: (reachable: boolean) => void;
}

/** Runs until the signal fires. Never rejects: an outage is waited out. */
export async function followCore(options: FollowOptions): Promise<void> {
  const { client, layers, clock, log, signal, onLayers, onReachable } = options;
  let backoffMs = SOURCE_BACKOFF_FIRST_MS;
  let reachable: boolean | undefined;
  const note = (now: boolean, why: string): void => {
    if (now !== reachable) log[now ? 'info' : 'warn']({ reachable: now }, why);
    reachable = now;
    onReachable(now);
  };
  while (!signal.aborted) {
    try {
      const changes = await client.changes(layers.cursor, { waitMs: reachable === true ? CHANGES_WAIT_MS_MAX : 0, signal });
      note(true, 'the core answers');
      backoffMs = SOURCE_BACKOFF_FIRST_MS;
      if (changes.cursor === layers.cursor) continue;
      await layers.add(changes.layers, changes.cursor);
      onLayers(changes.layers);
    } catch (thrown) {
      if (signal.aborted) return;
      note(false, `the core does not answer: ${asBranchcastError(thrown).message}`);
      await clock.sleep(backoffMs, signal).catch(() => undefined);
      backoffMs = Math.min(SOURCE_BACKOFF_LAST_MS, backoffMs * 2);
    }
  }
}
