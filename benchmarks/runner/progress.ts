/** What is under way: one line that is written over on a terminal; elsewhere a line now and then, so that a log of hours shows where it is. */

const LINE_EVERY_MS = 10_000;

export class Progress {
  readonly #out: NodeJS.WritableStream & { readonly isTTY?: boolean };
  #lastLineMs = performance.now();

  constructor(out: NodeJS.WritableStream & { readonly isTTY?: boolean }) {
    this.#out = out;
  }

  show(line: string): void {
    if (this.#out.isTTY === true) this.#out.write(`\r\x1b[K  ${line}`);
    else if (performance.now() - this.#lastLineMs >= LINE_EVERY_MS) this.say(line);
  }

  /** A line that stays. */
  say(line: string): void {
    this.clear();
    this.#out.write(`  ${line}\n`);
    this.#lastLineMs = performance.now();
  }

  clear(): void {
    if (this.#out.isTTY === true) this.#out.write('\r\x1b[K');
  }
}
