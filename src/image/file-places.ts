/** Where a file's pieces stand in it: one after the other, with the holes left out. */
import type { FileEntry, Piece } from '../manifest/entry.ts';
import type { Manifest } from '../manifest/read.ts';
import type { Pace } from './pace.ts';
import type { Place } from './place-table.ts';

/** Calls `visit` for each run of the file's bytes, in order, and lets the event loop turn in between. */
export async function eachPlace(manifest: Pick<Manifest, 'pieces'>, file: FileEntry, pace: Pace, visit: (place: Place) => void): Promise<void> {
  const holes = file.holes ?? [];
  let fileOffsetBytes = 0;
  let nextHole = 0;
  const put = (piece: Piece): void => {
    for (let donePieceBytes = 0; donePieceBytes < piece.lengthBytes; ) {
      let hole = holes[nextHole];
      while (hole !== undefined && hole.offsetBytes === fileOffsetBytes) {
        fileOffsetBytes += hole.lengthBytes;
        nextHole += 1;
        hole = holes[nextHole];
      }
      const untilHoleBytes = hole === undefined ? Infinity : hole.offsetBytes - fileOffsetBytes;
      const lengthBytes = Math.min(piece.lengthBytes - donePieceBytes, untilHoleBytes);
      visit({ digest: piece.digest, chunkBytes: piece.chunkBytes, chunkOffsetBytes: piece.offsetBytes + donePieceBytes, lengthBytes, fileOffsetBytes });
      donePieceBytes += lengthBytes;
      fileOffsetBytes += lengthBytes;
    }
  };
  if ('pieces' in file.content) {
    for (const piece of file.content.pieces) put(piece);
    return;
  }
  for await (const piece of manifest.pieces(file)) {
    put(piece);
    if (pace.due) await pace.turn();
  }
}

/** Every piece is a whole chunk, so that the file can be verified on its own. */
export function hasWholeChunks(file: FileEntry): boolean {
  return 'list' in file.content || file.content.pieces.every(({ chunkBytes, lengthBytes }) => chunkBytes === lengthBytes);
}
