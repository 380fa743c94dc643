/** Read handles of packs: opened when needed, a bounded number kept. Who uses one holds its pack in place: see `users`. */
import { open, type FileHandle } from 'node:fs/promises';

/** Some hundred reads in flight on some dozens of packs; far below the usual 1024 descriptors of a process. */
const IDLE_HANDLES_MAX = 64;

interface Slot {
  readonly handle: Promise<FileHandle>;
  users: number;
}

export class PackHandles {
  readonly #pathOf: (packId: string) => string;
  /** The order is that of the last use. */
  readonly #slots = new Map<string, Slot>();
  #onRelease: (() => void)[] = [];

  constructor(pathOf: (packId: string) => string) {
    this.#pathOf = pathOf;
  }

  /** How many read this pack now. Counted from the call of `use` on, with nothing awaited in between. */
  users(packId: string): number {
    return this.#slots.get(packId)?.users ?? 0;
  }

  /** Reads with the pack's handle, which stays open, and the pack in place, until `work` is done. */
  async use<T>(packId: string, work: (handle: FileHandle) => Promise<T>): Promise<T> {
    const release = this.hold(packId);
    try {
      return await work(await release.handle);
    } finally {
      release.done();
    }
  }

  /** The same for work that is no single call. `done` must be called, once. */
  hold(packId: string): { readonly handle: Promise<FileHandle>; done(): void } {
    const slot = this.#slots.get(packId) ?? { handle: open(this.#pathOf(packId), 'r'), users: 0 };
    this.#slots.delete(packId);
    this.#slots.set(packId, slot);
    slot.users += 1;
    slot.handle.catch(() => this.#slots.get(packId) === slot && this.#slots.delete(packId));
    return {
      handle: slot.handle,
      done: () => {
        slot.users -= 1;
        this.#trim();
        for (const wake of this.#onRelease.splice(0)) wake();
      },
    };
  }

  /** When the next reader of any pack is done, or after `ms`. */
  nextRelease(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#onRelease.push(() => {
        clearTimeout(timer);
        resolve();
      });
    });
  }

  /** Closes the handle of a pack that nobody reads. */
  async close(packId: string): Promise<void> {
    const slot = this.#slots.get(packId);
    this.#slots.delete(packId);
    await slot?.handle.then((handle) => handle.close());
  }

  async closeAll(): Promise<void> {
    await Promise.all([...this.#slots.keys()].map((packId) => this.close(packId)));
  }

  #trim(): void {
    if (this.#slots.size <= IDLE_HANDLES_MAX) return;
    for (const [packId, slot] of this.#slots) {
      if (slot.users === 0) {
        this.close(packId).catch(() => undefined);
        return;
      }
    }
  }
}

/** The file is not there any more: somebody took it away. */
export function isGone(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === 'ENOENT';
}

/** `length` bytes from `offset` on, or fewer where the file ends. */
export async function readAt(handle: FileHandle, offset: number, length: number): Promise<Buffer> {
  const buffer = Buffer.allocUnsafe(length);
  let filled = 0;
  while (filled < length) {
    const { bytesRead } = await handle.read(buffer, filled, length - filled, offset + filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return buffer.subarray(0, filled);
}
