/** Chunks of the old tree by their digests, read where its manifest says that they are: what deltas are decoded against. */
import { OLD_PLACES_MAX } from '../base/limits/trees.ts';
import { hasCode } from '../base/errors.ts';
import type { Digest } from '../chunking/digest.ts';
import { hash } from '../chunking/hash.ts';
import { eachPlace } from './file-places.ts';
import { pathBelow } from './key-path.ts';
import type { OldTree } from './old-tree.ts';
import { Pace } from './pace.ts';
import { PlaceReader } from './place-reader.ts';
import { PlaceTable } from './place-table.ts';

export class OldChunks {
  readonly #old: OldTree;
  readonly #pace: Pace;
  /** undefined until the first read: most updates need none. */
  #table: Promise<PlaceTable> | undefined;

  constructor(old: OldTree, signal: AbortSignal | undefined) {
    this.#old = old;
    this.#pace = new Pace(signal);
  }

  /** Verified; undefined if the tree does not hold it, or not any more. */
  async read(digest: Digest): Promise<Uint8Array | undefined> {
    this.#table ??= this.#findPlaces();
    const table = await this.#table;
    const chunkBytes = table.missing(digest);
    if (chunkBytes === undefined) return undefined;
    const chunk = new Uint8Array(chunkBytes);
    const reader = new PlaceReader();
    try {
      for (const place of table.places(digest)) {
        reader.turnTo(pathBelow(this.#old.path, table.fileKey(place.file)));
        const bytes = reader.read(place);
        if (bytes === undefined) continue;
        chunk.set(bytes, place.chunkOffsetBytes);
        // A chunk with many places needs but one of them; a bundle needs all of its files'.
        if (place.lengthBytes === chunkBytes && hash(chunk) === digest) return chunk;
      }
    } finally {
      reader.close();
    }
    return hash(chunk) === digest ? chunk : undefined;
  }

  /** Of the first OLD_PLACES_MAX places, in the order of the tree. */
  async #findPlaces(): Promise<PlaceTable> {
    const table = new PlaceTable();
    let placeCount = 0;
    try {
      for await (const entry of this.#old.manifest.entries()) {
        if (this.#pace.due) await this.#pace.turn();
        if (entry.type !== 'file' || entry.sizeBytes === 0) continue;
        if (placeCount > OLD_PLACES_MAX) break;
        const file = table.addFile(entry.key);
        await eachPlace(this.#old.manifest, entry, this.#pace, (place) => {
          placeCount += 1;
          if (placeCount <= OLD_PLACES_MAX) table.addPlace(file, place);
        });
      }
    } catch (error) {
      // An old manifest with gaps: what was found so far.
      if (!hasCode(error, 'BC_MANIFEST_INCOMPLETE')) throw error;
    }
    return table;
  }
}
