/** What a file or a link holds, as text that is equal exactly when the contents are known to be the same without a look at the bytes. */
import type { FileEntry, SymlinkEntry } from './entry.ts';

/** The same pieces of the same chunks, and the same holes. */
export function contentName(file: FileEntry): string {
  const { content, sizeBytes, holes = [] } = file;
  const runs = 'list' in content ? content.list : content.pieces.map(({ digest, offsetBytes, lengthBytes }) => `${digest}+${offsetBytes}:${lengthBytes}`).join();
  return `${sizeBytes} ${runs} ${holes.map(({ offsetBytes, lengthBytes }) => `${offsetBytes}:${lengthBytes}`).join()}`;
}

/** Whether both have the same content name, without making one: for whole trees. */
export function isSameContent(a: FileEntry, b: FileEntry): boolean {
  if (a.sizeBytes !== b.sizeBytes) return false;
  if (a.holes !== undefined || b.holes !== undefined || 'list' in a.content || 'list' in b.content) return contentName(a) === contentName(b);
  const [pieces, others] = [a.content.pieces, b.content.pieces];
  return (
    pieces.length === others.length &&
    pieces.every(({ digest, offsetBytes, lengthBytes }, at) => digest === others[at]?.digest && offsetBytes === others[at].offsetBytes && lengthBytes === others[at].lengthBytes)
  );
}

export function targetName({ target }: SymlinkEntry): string {
  return `-> ${Buffer.from(target).toString('latin1')}`;
}
