/** Where a file's pieces stand in it: one after the other, with the holes left out. */
import type { FileEntry, Hole, Piece } from '../manifest/entry.ts';
import type { Manifest } from '../manifest/read.ts';
import type { Pace } from './pace.ts';
import type { Place } from './place-table.ts';

/** Calls `visit` for each run of the file's bytes, in order, and lets the event loop turn in between. */
export async function eachPlace(manifest: Pick<Manifest, 'pieces'>, file: FileEntry, pace: Pace, visit: (place: Place) => void): Promise<void> {
  const places = new PlacesInFile(file);
  if ('pieces' in file.content) {
    for (const piece of file.content.pieces) for (const place of places.of(piece)) visit(place);
    return;
  }
  for await (const piece of manifest.pieces(file)) {
    for (const place of places.of(piece)) visit(place);
    if (pace.due) await pace.turn();
  }
}

/** The same one by one. */
export async function* placesOf(manifest: Pick<Manifest, 'pieces'>, file: FileEntry): AsyncGenerator<Place, void, undefined> {
  const places = new PlacesInFile(file);
  for await (const piece of 'pieces' in file.content ? file.content.pieces : manifest.pieces(file)) yield* places.of(piece);
}

/** Where one piece after the other comes to stand. */
class PlacesInFile {
  readonly #holes: readonly Hole[];
  #fileOffsetBytes = 0;
  #nextHole = 0;

  constructor({ holes = [] }: FileEntry) {
    this.#holes = holes;
  }

  of(piece: Piece): Place[] {
    const places: Place[] = [];
    for (let donePieceBytes = 0; donePieceBytes < piece.lengthBytes; ) {
      let hole = this.#holes[this.#nextHole];
      while (hole !== undefined && hole.offsetBytes === this.#fileOffsetBytes) {
        this.#fileOffsetBytes += hole.lengthBytes;
        this.#nextHole += 1;
        hole = this.#holes[this.#nextHole];
      }
      const untilHoleBytes = hole === undefined ? Infinity : hole.offsetBytes - this.#fileOffsetBytes;
      const lengthBytes = Math.min(piece.lengthBytes - donePieceBytes, untilHoleBytes);
      places.push({ digest: piece.digest, chunkBytes: piece.chunkBytes, chunkOffsetBytes: piece.offsetBytes + donePieceBytes, lengthBytes, fileOffsetBytes: this.#fileOffsetBytes });
      donePieceBytes += lengthBytes;
      this.#fileOffsetBytes += lengthBytes;
    }
    return places;
  }
}

/** Every piece is a whole chunk, so that the file can be verified on its own. */
export function hasWholeChunks(file: FileEntry): boolean {
  return 'list' in file.content || file.content.pieces.every(({ chunkBytes, lengthBytes }) => chunkBytes === lengthBytes);
}
