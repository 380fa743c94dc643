/** Where each needed chunk goes: all the runs of all the new files that it fills. Columns, since a layer may have millions. */
import type { Digest } from '../chunking/digest.ts';
import type { PathKey } from '../manifest/entry.ts';

export interface Place {
  readonly digest: Digest;
  readonly chunkBytes: number;
  readonly chunkOffsetBytes: number;
  readonly lengthBytes: number;
  readonly fileOffsetBytes: number;
}

/** A place, and the number of the file that it is in. */
export interface FilePlace {
  readonly file: number;
  readonly chunkOffsetBytes: number;
  readonly lengthBytes: number;
  readonly fileOffsetBytes: number;
}

const NONE = -1;

export class PlaceTable {
  /** Keys as latin1 text, a fifth of the weight of a Buffer each. */
  readonly #fileKeys: string[] = [];
  readonly #isSmall: boolean[] = [];
  readonly #chunks = new Map<Digest, number>();
  readonly #chunkBytes: number[] = [];
  readonly #firstPlace: number[] = [];
  readonly #done: boolean[] = [];
  readonly #nextPlace: number[] = [];
  readonly #placeFile: number[] = [];
  readonly #placeChunkOffset: number[] = [];
  readonly #placeLength: number[] = [];
  readonly #placeFileOffset: number[] = [];
  #neededBytes = 0;
  #missingBytes = 0;

  /** `isSmall`: it has one place, which is all of it, and is written in one go. */
  addFile(key: PathKey, isSmall = false): number {
    this.#isSmall.push(isSmall);
    return this.#fileKeys.push(Buffer.from(key).toString('latin1')) - 1;
  }

  isSmall(file: number): boolean {
    return this.#isSmall[file] === true;
  }

  fileKey(file: number): PathKey {
    return Buffer.from(this.#fileKeys[file] ?? '', 'latin1');
  }

  /** Chunks stand in the order of their first place, which is the canonical order if files are added in key order. */
  addPlace(file: number, place: Place): void {
    const chunk = this.#chunks.get(place.digest) ?? this.#addChunk(place.digest, place.chunkBytes);
    const index = this.#nextPlace.push(this.#firstPlace[chunk] ?? NONE) - 1;
    this.#firstPlace[chunk] = index;
    this.#placeFile.push(file);
    this.#placeChunkOffset.push(place.chunkOffsetBytes);
    this.#placeLength.push(place.lengthBytes);
    this.#placeFileOffset.push(place.fileOffsetBytes);
  }

  #addChunk(digest: Digest, chunkBytes: number): number {
    const chunk = this.#chunkBytes.push(chunkBytes) - 1;
    this.#chunks.set(digest, chunk);
    this.#firstPlace.push(NONE);
    this.#done.push(false);
    this.#neededBytes += chunkBytes;
    this.#missingBytes += chunkBytes;
    return chunk;
  }

  /** Bytes of all chunks in the table, and of those that are not done. */
  get neededBytes(): number {
    return this.#neededBytes;
  }

  get missingBytes(): number {
    return this.#missingBytes;
  }

  /** Length of a chunk that is in the table and not done; undefined for every other. */
  missing(digest: Digest): number | undefined {
    const chunk = this.#chunks.get(digest);
    return chunk === undefined || this.#done[chunk] === true ? undefined : this.#chunkBytes[chunk];
  }

  markDone(digest: Digest): void {
    const chunk = this.#chunks.get(digest);
    if (chunk === undefined || this.#done[chunk] === true) return;
    this.#done[chunk] = true;
    this.#missingBytes -= this.#chunkBytes[chunk] ?? 0;
  }

  *places(digest: Digest): Generator<FilePlace, void, undefined> {
    const chunk = this.#chunks.get(digest);
    if (chunk === undefined) return;
    for (let at = this.#firstPlace[chunk] ?? NONE; at !== NONE; at = this.#nextPlace[at] ?? NONE) {
      yield {
        file: this.#placeFile[at] ?? 0,
        chunkOffsetBytes: this.#placeChunkOffset[at] ?? 0,
        lengthBytes: this.#placeLength[at] ?? 0,
        fileOffsetBytes: this.#placeFileOffset[at] ?? 0,
      };
    }
  }

  /** Chunks that are not done, or those that are. */
  *chunks(done: boolean): Generator<{ digest: Digest; chunkBytes: number }, void, undefined> {
    for (const [digest, chunk] of this.#chunks) {
      if (this.#done[chunk] === done) yield { digest, chunkBytes: this.#chunkBytes[chunk] ?? 0 };
    }
  }
}
