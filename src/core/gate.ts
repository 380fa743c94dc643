/** Lets so many in at a time; so many more may wait for their turn, in order; the rest is told to come back. */
import { BranchcastError, throwIfAborted } from '../base/errors.ts';

const RETRY_AFTER_MS = 2000;

export class Gate {
  readonly #what: string;
  readonly #insideMax: number;
  readonly #waitingMax: number;
  readonly #waiting: (() => void)[] = [];
  #inside = 0;

  /** `what` completes "as many … as the core takes at a time". */
  constructor(what: string, insideMax: number, waitingMax: number) {
    this.#what = what;
    this.#insideMax = insideMax;
    this.#waitingMax = waitingMax;
  }

  /** Runs `work` when there is room. BC_BUSY if too many wait already; a caller that left while it waited is skipped. */
  async run<T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    const leave = await this.enter(signal);
    try {
      return await work();
    } finally {
      leave();
    }
  }

  /** Waits for a turn; the answer ends it, and must be called. */
  async enter(signal?: AbortSignal): Promise<() => void> {
    throwIfAborted(signal);
    if (this.#inside >= this.#insideMax) {
      if (this.#waiting.length >= this.#waitingMax) {
        throw new BranchcastError('BC_BUSY', `there are as many ${this.#what} as the core takes at a time`, { details: { retryAfterMs: RETRY_AFTER_MS } });
      }
      // Whoever leaves hands its place over, so that nobody can slip in between.
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    } else {
      this.#inside += 1;
    }
    let left = false;
    const leave = (): void => {
      if (left) return;
      left = true;
      const next = this.#waiting.shift();
      if (next === undefined) this.#inside -= 1;
      else next();
    };
    if (signal?.aborted === true) leave();
    throwIfAborted(signal);
    return leave;
  }
}
