/** What the quickstart shows on stderr while it runs: a line for each process on a terminal, a line now and then off it. */
import { createLogUpdate } from 'log-update';
import { formatBytes } from '../../src/base/units.ts';

export interface ProcessLine {
  readonly name: string;
  readonly what: string;
  /** 0 to 1; undefined: not a matter of progress. */
  readonly done?: number;
}

const PLAIN_LINE_MS = 5000;
const BAR_CHARS = 20;

export class Screen {
  readonly #startedMs = performance.now();
  readonly #log = process.stderr.isTTY ? createLogUpdate(process.stderr) : undefined;
  #plainAtMs = this.#startedMs;

  /** A line that stays. */
  say(text: string): void {
    this.#log?.clear();
    process.stderr.write(`${this.#elapsed()}  ${text}\n`);
  }

  show(lines: readonly ProcessLine[]): void {
    if (this.#log !== undefined) {
      this.#log(lines.map(({ name, what, done }) => `  ${name.padEnd(12)} ${done === undefined ? '' : `${bar(done)} `}${what}`).join('\n'));
      return;
    }
    const nowMs = performance.now();
    if (nowMs - this.#plainAtMs < PLAIN_LINE_MS) return;
    this.#plainAtMs = nowMs;
    process.stderr.write(`${this.#elapsed()}    ${lines.map(({ name, what }) => `${name}: ${what}`).join('; ')}\n`);
  }

  clear(): void {
    this.#log?.clear();
    this.#log?.done();
  }

  #elapsed(): string {
    return `${((performance.now() - this.#startedMs) / 1000).toFixed(1).padStart(6)} s`;
  }
}

function bar(done: number): string {
  const full = Math.round(Math.min(1, Math.max(0, done)) * BAR_CHARS);
  return `[${'#'.repeat(full)}${'.'.repeat(BAR_CHARS - full)}]`;
}

export function progressText(doneBytes: number, neededBytes: number): string {
  return `${formatBytes(doneBytes)} of ${formatBytes(neededBytes)}`;
}
