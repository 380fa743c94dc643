/** What every store says in the same words. */
import { BranchcastError, hasCode } from '../base/errors.ts';
import { formatBytes } from '../base/units.ts';
import type { FrameLocation } from './chunk-store.ts';

export function storeClosed(): BranchcastError {
  return new BranchcastError('BC_STORE_CLOSED', 'the chunk store is closed');
}

export function quotaExceeded(neededBytes: number, quotaBytes: number, heldBytes: number): BranchcastError {
  const message = `no room for ${formatBytes(neededBytes)} under the quota of ${formatBytes(quotaBytes)}: ${formatBytes(heldBytes)} in it are pinned or being read`;
  return new BranchcastError('BC_QUOTA_EXCEEDED', message, { details: { neededBytes, quotaBytes, heldBytes } });
}

export function rotten(location: FrameLocation, what: string, cause?: unknown): BranchcastError {
  const { packId, offsetBytes } = location;
  return new BranchcastError('BC_CHUNK_CORRUPT', `${what} in pack ${packId} at ${offsetBytes} has rotted; it was dropped and will be fetched again`, { details: { packId, offsetBytes }, cause });
}

export function packNotFound(packId: string): BranchcastError {
  return new BranchcastError('BC_PACK_NOT_FOUND', `there is no pack ${packId}`, { details: { packId } });
}

export function badRange(packId: string, startBytes: number, endBytes: number, packBytes: number): BranchcastError {
  return new BranchcastError('BC_USAGE', `range ${startBytes} to ${endBytes} is not within the ${packBytes} bytes of pack ${packId}`, { details: { packId, packBytes } });
}

/** For the `catch` of a read: the store has dropped and counted what rotted, and to whoever wants it it is not stored. */
export function ifRotten(error: unknown): undefined {
  if (!hasCode(error, 'BC_CHUNK_CORRUPT')) throw error;
}

/** True for what rot looks like; other failures (of the disk, of the process) say nothing about the bytes. */
export function isRot(error: unknown): boolean {
  return hasCode(error, 'BC_FRAME_MALFORMED') || hasCode(error, 'BC_CHUNK_CORRUPT');
}
