/** A fixed number of buffers that this thread and its workers share: bytes pass between them without a copy, and none become garbage. */

export interface SharedBuffer {
  /** Which of the pool's it is: how a job names it. */
  readonly index: number;
  readonly bytes: Uint8Array;
  /** Gives it back. May be called twice. */
  release(): void;
}

export class SharedBuffers {
  /** For the workers, by index. */
  readonly memory: readonly SharedArrayBuffer[];
  readonly #free: number[];
  readonly #waiting: ((index: number) => void)[] = [];

  /** Pages that nobody touches take no memory. */
  constructor(count: number, bytesEach: number) {
    this.memory = Array.from({ length: count }, () => new SharedArrayBuffer(bytesEach));
    this.#free = [...this.memory.keys()].reverse();
  }

  /** Waits in order for one that is free. What is in it is left over from others. */
  async take(): Promise<SharedBuffer> {
    const index = this.#free.pop() ?? (await new Promise<number>((resolve) => this.#waiting.push(resolve)));
    let held = true;
    return {
      index,
      bytes: new Uint8Array(this.memory[index] as SharedArrayBuffer),
      release: () => {
        if (!held) return;
        held = false;
        const next = this.#waiting.shift();
        if (next === undefined) this.#free.push(index);
        else next(index);
      },
    };
  }
}
