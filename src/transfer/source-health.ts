/** Which source to ask now: a pure memory of how each has behaved. Times are the monotonic clock's milliseconds. */
import type { BranchcastError } from '../base/errors.ts';
import { SOURCE_BACKOFF_FIRST_MS, SOURCE_BACKOFF_LAST_MS, SOURCE_QUARANTINE_MS } from '../base/limits/fetching.ts';

export interface Attempt {
  /** Not before this time. */
  readonly notBeforeMs: number;
  readonly failureCount: number;
  readonly quarantined: boolean;
  readonly lastError: BranchcastError | undefined;
}

const FRESH: Attempt = { notBeforeMs: Number.NEGATIVE_INFINITY, failureCount: 0, quarantined: false, lastError: undefined };

export class SourceHealth {
  readonly #attempts = new Map<string, Attempt>();

  of(source: string): Attempt {
    return this.#attempts.get(source) ?? FRESH;
  }

  succeeded(source: string): void {
    this.#attempts.delete(source);
  }

  /** A wrong byte means quarantine; anything else a pause that doubles, and that honours `retryAfterMs`. */
  failed(source: string, error: BranchcastError, nowMs: number): Attempt {
    const failureCount = this.of(source).failureCount + 1;
    const quarantined = error.code === 'BC_CHUNK_CORRUPT' || error.code === 'BC_FRAME_MALFORMED' || error.code === 'BC_MANIFEST_MALFORMED' || error.code === 'BC_MANIFEST_UNSAFE';
    const asked = typeof error.details.retryAfterMs === 'number' ? error.details.retryAfterMs : 0;
    const backoffMs = Math.min(SOURCE_BACKOFF_LAST_MS, Math.max(asked, SOURCE_BACKOFF_FIRST_MS * 2 ** Math.min(failureCount - 1, 16)));
    const attempt: Attempt = { notBeforeMs: nowMs + (quarantined ? SOURCE_QUARANTINE_MS : backoffMs), failureCount, quarantined, lastError: error };
    this.#attempts.set(source, attempt);
    return attempt;
  }
}
