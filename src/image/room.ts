/** Room on the disk of a target. */
import { statfsSync } from 'node:fs';
import { BranchcastError } from '../base/errors.ts';
import { formatBytes } from '../base/units.ts';

export interface Room {
  readonly freeBytes: number;
  readonly blockBytes: number;
}

export function roomAt(path: string): Room {
  const { bsize, bavail, bfree } = statfsSync(path);
  return { freeBytes: bsize * (process.getuid?.() === 0 ? bfree : bavail), blockBytes: bsize };
}

/** Throws BC_DISK_FULL, with the shortfall, if `neededBytes` do not fit. */
export function checkRoom(path: string, neededBytes: number): void {
  const { freeBytes } = roomAt(path);
  if (neededBytes > freeBytes) throw diskFull(path, neededBytes, freeBytes);
}

/** A write failed for want of room: how much more is needed than there is. */
export function outOfRoom(path: string, neededBytes: number, cause: unknown): BranchcastError {
  return diskFull(path, neededBytes, roomAt(path).freeBytes, cause);
}

export function isOutOfRoom(error: unknown): boolean {
  return ['ENOSPC', 'EDQUOT'].includes((error as NodeJS.ErrnoException | null)?.code ?? '');
}

function diskFull(path: string, neededBytes: number, freeBytes: number, cause?: unknown): BranchcastError {
  // A quota, or blocks lost to metadata, can refuse what the free space would hold.
  const shortfallBytes = Math.max(1, neededBytes - freeBytes);
  return new BranchcastError(
    'BC_DISK_FULL',
    `the disk of ${path} lacks ${formatBytes(shortfallBytes)}: ${formatBytes(neededBytes)} are needed, ${formatBytes(freeBytes)} are free`,
    { details: { path, shortfallBytes, neededBytes, freeBytes }, ...(cause === undefined ? {} : { cause }) },
  );
}
