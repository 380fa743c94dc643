/** Long synchronous work that lets the rest of the process live. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { throwIfAborted } from '../base/errors.ts';
import { EVENT_LOOP_TURN_MS } from '../base/limits/trees.ts';

/** Use: `if (pace.due) await pace.turn();` in the loop. */
export class Pace {
  readonly #signal: AbortSignal | undefined;
  #turnStartedMs = performance.now();

  constructor(signal: AbortSignal | undefined) {
    this.#signal = signal;
  }

  /** The event loop has waited EVENT_LOOP_TURN_MS. */
  get due(): boolean {
    return performance.now() - this.#turnStartedMs >= EVENT_LOOP_TURN_MS;
  }

  /** Lets it turn. Throws if the signal has fired. */
  async turn(): Promise<void> {
    throwIfAborted(this.#signal);
    await nextTurn();
    throwIfAborted(this.#signal);
    this.#turnStartedMs = performance.now();
  }
}
