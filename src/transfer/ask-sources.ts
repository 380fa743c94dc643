/**
 * Asks one source after the other until somebody has answered: choice, health, waiting and giving up stand here, once, for
 * layers, manifests and chunks alike.
 */
import { asBranchcastError, BranchcastError, throwIfAborted } from '../base/errors.ts';
import type { Clock } from '../base/clock.ts';
import type { Logger } from '../base/log.ts';
import type { ChunkSource } from './chunk-source.ts';
import { chooseSource, type SourcePolicy } from './source-choice.ts';
import { SourceHealth } from './source-health.ts';

export interface SourcesOptions {
  readonly sources: readonly ChunkSource[];
  readonly policy: SourcePolicy;
  /** Give up when nothing has helped for this long. */
  readonly giveUpAfterMs: number;
  readonly clock: Clock;
  readonly log: Logger;
}

/** What asking one source came to. `progress` keeps the work alive even when the source then failed. */
export type Answer = 'done' | 'progress' | 'lacking';

/** Wraps what went wrong on this side (a full disk, say), which no other source could mend. `ask` throws its cause. */
export class OwnFailure extends Error {
  constructor(cause: unknown) {
    super('not the fault of a source', { cause });
  }
}

export class Sources {
  readonly #options: SourcesOptions;
  readonly #health = new SourceHealth();

  constructor(options: SourcesOptions) {
    this.#options = options;
  }

  /**
   * Calls `ask` with a source until it answers `done`. `progress`: the same source again for the rest. `lacking`, or no answer: another
   * source. `ask` calls `helped` as it makes progress, and wraps what is not the source's fault in OwnFailure. Throws BC_NO_SOURCE with each
   * source's reason.
   */
  async ask(what: string, signal: AbortSignal, ask: (source: ChunkSource, helped: () => void) => Promise<Answer>): Promise<void> {
    const { sources, policy, clock, log, giveUpAfterMs } = this.#options;
    const lacking = new Set<string>();
    let reflectorHelpedAtMs = clock.monotonicMs();
    let helpedAtMs = reflectorHelpedAtMs;
    let lastError: BranchcastError | undefined;

    for (;;) {
      throwIfAborted(signal);
      const nowMs = clock.monotonicMs();
      const choice = chooseSource({ sources, health: this.#health, policy, lacking, helpedAtMs: reflectorHelpedAtMs, nowMs });
      if (choice.kind === 'none') {
        throw new BranchcastError('BC_NO_SOURCE', `no source for ${what}: ${choice.reason}`, { cause: lastError, ...(lastError === undefined ? {} : { details: { ...lastError.details, lastCode: lastError.code } }) });
      }
      if (choice.kind === 'wait') {
        if (nowMs - helpedAtMs > giveUpAfterMs) {
          throw new BranchcastError('BC_NO_SOURCE', `no source for ${what} within ${Math.round(giveUpAfterMs / 1000)} s: ${lastError?.message ?? choice.reason}`, { cause: lastError });
        }
        await clock.sleep(Math.max(1, choice.untilMs - nowMs), signal);
        continue;
      }
      const { source } = choice;
      const helped = (): void => {
        helpedAtMs = clock.monotonicMs();
        if (source.kind !== 'core') reflectorHelpedAtMs = helpedAtMs;
      };
      try {
        const answer = await ask(source, helped);
        if (answer === 'lacking') {
          lacking.add(source.name);
          continue;
        }
        helped();
        this.#health.succeeded(source.name);
        if (answer === 'done') return;
      } catch (thrown) {
        throwIfAborted(signal);
        if (thrown instanceof OwnFailure) throw thrown.cause;
        const error = asBranchcastError(thrown);
        lastError = error;
        const attempt = this.#health.failed(source.name, error, clock.monotonicMs());
        log.warn({ source: source.name, code: error.code, failureCount: attempt.failureCount, quarantined: attempt.quarantined }, `${what}: ${error.message}`);
      }
    }
  }
}
