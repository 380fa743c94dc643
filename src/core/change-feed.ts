/** Callers that wait for the next commit. */
import { BranchcastError } from '../base/errors.ts';
import { CHANGES_WAITERS_MAX } from '../base/limits/wan.ts';

const RETRY_AFTER_MS = 10_000;

export class ChangeFeed {
  readonly #waiters = new Set<() => void>();

  get waiterCount(): number {
    return this.#waiters.size;
  }

  /** Wakes everybody: a layer was committed, or the core shuts down. */
  notify(): void {
    for (const wake of this.#waiters) wake();
  }

  /** Resolves at the next notify, after `waitMs`, or when the caller has gone. BC_BUSY when too many wait. */
  async wait(waitMs: number, signal: AbortSignal): Promise<void> {
    if (signal.aborted || waitMs <= 0) return;
    if (this.#waiters.size >= CHANGES_WAITERS_MAX) {
      throw new BranchcastError('BC_BUSY', `${this.#waiters.size} callers wait for new layers already`, { details: { retryAfterMs: RETRY_AFTER_MS } });
    }
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, waitMs);
    this.#waiters.add(resolve);
    signal.addEventListener('abort', () => resolve(), { once: true });
    await promise;
    clearTimeout(timer);
    this.#waiters.delete(resolve);
  }
}
