/** A new small file, whole or not at all. */
import { closeSync, constants, fstatSync, openSync, unlinkSync, writeSync, type BigIntStats } from 'node:fs';

/** For this user only until its metadata is set; in the place of nothing else, and never through a link. */
export const CREATE_FLAGS = constants.O_RDWR | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
export const CREATE_MODE = 0o600;

/** Answers what it looks like. After an error nothing is left of it. */
export function createFile(path: Buffer, bytes: Uint8Array): BigIntStats {
  const fd = openSync(path, CREATE_FLAGS, CREATE_MODE);
  try {
    for (let done = 0; done < bytes.byteLength; ) done += writeSync(fd, bytes, done);
    return fstatSync(fd, { bigint: true });
  } catch (error) {
    unlinkSync(path);
    throw error;
  } finally {
    closeSync(fd);
  }
}
