/** What a file or a link holds, as text that is equal exactly when the contents are known to be the same without a look at the bytes. */
import type { FileEntry, SymlinkEntry } from './entry.ts';

/** The same pieces of the same chunks, and the same holes. */
export function contentName(file: FileEntry): string {
  const { content, sizeBytes, holes = [] } = file;
  const runs = 'list' in content ? content.list : content.pieces.map(({ digest, offsetBytes, lengthBytes }) => `${digest}+${offsetBytes}:${lengthBytes}`).join();
  return `${sizeBytes} ${runs} ${holes.map(({ offsetBytes, lengthBytes }) => `${offsetBytes}:${lengthBytes}`).join()}`;
}

export function targetName({ target }: SymlinkEntry): string {
  return `-> ${Buffer.from(target).toString('latin1')}`;
}
