/** How much room the disk has, and what is said when it is not enough. */
import { statfs } from 'node:fs/promises';
import { asBranchcastError, BranchcastError } from '../base/errors.ts';
import { DISK_RESERVE_BYTES } from '../base/limits/store.ts';
import { formatBytes, KiB } from '../base/units.ts';

/** Shortfalls are rounded up to this: file systems hand out blocks, and the index grows a little with every write. */
const SHORTFALL_STEP_BYTES = 64 * KiB;

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
    const lackingBytes = bytes + DISK_RESERVE_BYTES - (await this.#free(this.#dir));
    if (lackingBytes > 0) throw this.#full(lackingBytes);
  }

  /** What a failed write of `bytes` comes to: where the disk was full, BC_DISK_FULL with the shortfall. */
  async explain(thrown: unknown, bytes: number): Promise<BranchcastError> {
    const known = asBranchcastError(thrown, 'BC_STORE_DAMAGED');
    if (known.code !== 'BC_DISK_FULL' || known.details['shortfallBytes'] !== undefined) return known;
    const free = await this.#free(this.#dir).catch(() => 0);
    // Whatever the system says is free, the write did not fit: at least a block was lacking.
    return this.#full(Math.max(1, bytes + DISK_RESERVE_BYTES - free), thrown);
  }

  #full(lackingBytes: number, cause?: unknown): BranchcastError {
    const shortfallBytes = Math.ceil(lackingBytes / SHORTFALL_STEP_BYTES) * SHORTFALL_STEP_BYTES;
    const message = `the disk of ${this.#dir} lacks ${formatBytes(shortfallBytes)} (${formatBytes(DISK_RESERVE_BYTES)} are kept free for the index)`;
    return new BranchcastError('BC_DISK_FULL', message, { details: { shortfallBytes, dir: this.#dir }, ...(cause === undefined ? {} : { cause }) });
  }
}
