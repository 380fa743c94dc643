/** Whether a file is what it is hoped to be: nothing is wrong with an update if it is not. */
import type { BigIntStats } from 'node:fs';
import { hasCode } from '../base/errors.ts';
import { readWhole } from './read-file.ts';

/** Whether the file that `stat` describes, which has as many bytes as there are, holds just these. */
export function holdsBytes(path: Buffer, stat: BigIntStats, bytes: Uint8Array): boolean {
  const found = Buffer.allocUnsafe(bytes.byteLength);
  try {
    readWhole(path, stat, found);
    return found.equals(bytes);
  } catch (error) {
    if (isLost(error)) return false;
    throw error;
  }
}

/** The file cannot be read, or not in one state. */
export function isLost(error: unknown): boolean {
  return hasCode(error, 'BC_TREE_CHANGED') || hasCode(error, 'BC_TREE_UNREADABLE');
}
