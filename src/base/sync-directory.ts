/** A file's name is durable when its directory is. The synchronous one, for small files of state, is in image/state-file.ts. */
import { open } from 'node:fs/promises';

/** Makes what was created, renamed or removed in a directory survive a power cut. */
export async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}
