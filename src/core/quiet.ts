/** Knows when nobody has published for a while: then is the time for work that can wait. */
import type { Clock } from '../base/clock.ts';

export class Quiet {
  readonly #clock: Clock;
  readonly #quietMs: number;
  #busyCount = 0;
  #lastMs: number;

  constructor(clock: Clock, quietMs: number) {
    this.#clock = clock;
    this.#quietMs = quietMs;
    this.#lastMs = clock.monotonicMs();
  }

  /** Somebody publishes, until the answer is called. */
  begin(): () => void {
    this.#busyCount += 1;
    let ended = false;
    return () => {
      if (ended) return;
      ended = true;
      this.#busyCount -= 1;
      this.#lastMs = this.#clock.monotonicMs();
    };
  }

  /** How long it will be until it is quiet, if nobody comes; 0: it is. */
  get waitMs(): number {
    return this.#busyCount > 0 ? this.#quietMs : Math.max(0, this.#lastMs + this.#quietMs - this.#clock.monotonicMs());
  }

  /** Resolves when it is quiet; rejects when the signal fires. */
  async wait(signal: AbortSignal): Promise<void> {
    for (let waitMs = this.waitMs; waitMs > 0; waitMs = this.waitMs) await this.#clock.sleep(Math.max(1, waitMs), signal);
  }
}
