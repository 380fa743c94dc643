/** A file that is there whole or not at all: written beside its name, flushed, and renamed; taken away if that fails. */
import { open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { asBranchcastError } from '../base/errors.ts';
import { syncDirectory } from '../base/sync-directory.ts';

/** Replaces `path`. Answers the bytes written. A process that is killed leaves `path.<process id>.part`. Throws BC_USAGE if it cannot be made there, BC_DISK_FULL. */
export async function writeAside(path: string, pieces: AsyncIterable<Uint8Array>): Promise<number> {
  const aside = `${path}.${process.pid}.part`;
  const file = await open(aside, 'wx').catch((thrown: unknown) => {
    throw asBranchcastError(thrown, 'BC_USAGE');
  });
  try {
    let bytes = 0;
    try {
      for await (const piece of pieces) {
        await file.writeFile(piece);
        bytes += piece.byteLength;
      }
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(aside, path);
    await syncDirectory(dirname(path));
    return bytes;
  } catch (error) {
    await rm(aside, { force: true });
    throw error;
  }
}
