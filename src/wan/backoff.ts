/** Pauses between tries: exponential with jitter ("equal jitter", AWS Architecture Blog, "Exponential Backoff And Jitter", 2015). */
import { WAN_BACKOFF_FIRST_MS, WAN_BACKOFF_LAST_MS } from '../base/limits/wan.ts';
import type { BranchcastError, ErrorCode } from '../base/errors.ts';

/** What may pass by itself on the same path. A full disk or a missing layer does not, within a request's time. */
const TRANSIENT: ReadonlySet<ErrorCode> = new Set(['BC_CORE_UNREACHABLE', 'BC_CONNECTION_LOST', 'BC_TIMEOUT', 'BC_BUSY']);

export function isTransient(error: BranchcastError): boolean {
  return TRANSIENT.has(error.code);
}

/** `retry` counts from 0; `random` is in [0, 1). At least what the other side asked for. */
export function backoffMs(retry: number, random: number, firstMs = WAN_BACKOFF_FIRST_MS, askedMs = 0): number {
  const ceiling = Math.min(WAN_BACKOFF_LAST_MS, firstMs * 2 ** Math.min(retry, 16));
  return Math.max(askedMs, Math.round(ceiling / 2 + (ceiling / 2) * random));
}
