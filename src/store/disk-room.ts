/** How much room the disk has, and what is said when it is not enough. */
import { statfs } from 'node:fs/promises';
import { asBranchcastError, BranchcastError } from '../base/errors.ts';
import { DISK_RESERVE_BYTES } from '../base/limits.ts';
import { formatBytes } from '../base/units.ts';

/** Bytes that this user may still write to the file system of `dir`. */
export async function freeDiskBytes(dir: string): Promise<number> {
  const { bavail, bsize } = await statfs(dir);
  return bavail * bsize;
}

export class DiskRoom {
  readonly #dir: string;
  readonly #free: (dir: string) => Promise<number>;

  constructor(dir: string, freeBytes: (dir: string) => Promise<number> = freeDiskBytes) {
    this.#dir = dir;
    this.#free = freeBytes;
  }

  /** Throws BC_DISK_FULL if `bytes` do not fit beside the reserve. */
  async require(bytes: number): Promise<void> {
    const shortfallBytes = bytes + DISK_RESERVE_BYTES - (await this.#free(this.#dir));
    if (shortfallBytes > 0) throw this.#full(shortfallBytes);
  }

  /** What a failed write of `bytes` comes to: where the disk was full, BC_DISK_FULL with the shortfall. */
  async explain(thrown: unknown, bytes: number): Promise<BranchcastError> {
    const known = asBranchcastError(thrown, 'BC_STORE_DAMAGED');
    if (known.code !== 'BC_DISK_FULL' || known.details['shortfallBytes'] !== undefined) return known;
    const free = await this.#free(this.#dir).catch(() => 0);
    // Whatever the system says is free, the write did not fit: at least a block was lacking.
    return this.#full(Math.max(1, bytes + DISK_RESERVE_BYTES - free), thrown);
  }

  #full(shortfallBytes: number, cause?: unknown): BranchcastError {
    const message = `the disk of ${this.#dir} lacks ${formatBytes(shortfallBytes)} (${formatBytes(DISK_RESERVE_BYTES)} are kept free for the index)`;
    return new BranchcastError('BC_DISK_FULL', message, { details: { shortfallBytes, dir: this.#dir }, ...(cause === undefined ? {} : { cause }) });
  }
}
