/** A clock that a test moves. A sleep ends when the time is moved past it; with `auto`, at once, moving the time itself. */
import type { Clock } from '../../src/base/clock.ts';

export class ManualClock implements Clock {
  #nowMs = 0;
  readonly auto: boolean;
  #sleepers: { readonly untilMs: number; readonly wake: () => void }[] = [];

  constructor(options: { readonly auto?: boolean } = {}) {
    this.auto = options.auto ?? false;
  }

  wallMs(): number {
    return this.#nowMs;
  }

  monotonicMs(): number {
    return this.#nowMs;
  }

  advance(ms: number): void {
    this.#nowMs += ms;
    const due = this.#sleepers.filter(({ untilMs }) => untilMs <= this.#nowMs);
    this.#sleepers = this.#sleepers.filter((sleeper) => !due.includes(sleeper));
    for (const { wake } of due) wake();
  }

  async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    if (this.auto) {
      this.advance(ms);
      await new Promise((resolve) => setImmediate(resolve));
      return;
    }
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#sleepers.push({ untilMs: this.#nowMs + ms, wake: resolve });
    signal?.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
    await promise;
  }
}
