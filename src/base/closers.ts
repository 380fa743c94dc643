/** What has been started and must be stopped again, the other way round. */
import { asBranchcastError, type BranchcastError } from './errors.ts';

export class Closers {
  readonly #closers: (() => unknown)[] = [];
  #closing: Promise<BranchcastError[]> | undefined;

  /** `close` may be asynchronous, and may fail. */
  add(close: () => unknown): void {
    this.#closers.push(close);
  }

  /** Calls each once, the last one first, and waits for it. One that fails does not keep the others; answers what went wrong. A further call waits for the first and answers nothing. */
  async close(): Promise<readonly BranchcastError[]> {
    if (this.#closing !== undefined) {
      await this.#closing;
      return [];
    }
    this.#closing = this.#closeAll();
    return this.#closing;
  }

  async #closeAll(): Promise<BranchcastError[]> {
    const errors: BranchcastError[] = [];
    for (const close of this.#closers.toReversed()) {
      try {
        await close();
      } catch (thrown) {
        errors.push(asBranchcastError(thrown));
      }
    }
    return errors;
  }
}
