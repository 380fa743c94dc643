/** The local seed: chunks that the old tree can supply. */
import { ahead } from '../base/ahead.ts';
import { throwIfAborted, hasCode } from '../base/errors.ts';
import { SEED_READ_ON_THREAD_BYTES_MIN, SEED_READS_AHEAD, SEED_TOGETHER_BYTES } from '../base/limits/trees.ts';
import type { Digest } from '../chunking/digest.ts';
import { hash } from '../chunking/hash.ts';
import { ChunkAssembly } from './chunk-assembly.ts';
import { placesOf } from './file-places.ts';
import { pathBelow } from './key-path.ts';
import type { OldTree } from './old-tree.ts';
import { Pace } from './pace.ts';
import { PlaceReader } from './place-reader.ts';
import type { Place } from './place-table.ts';

export interface SeedInto {
  /** Length of a chunk that is still wanted; undefined for every other. */
  missing(digest: Digest): number | undefined;
  readonly missingBytes: number;
  /** Verified chunks, as Staging.writeAll(). */
  writeAll(chunks: readonly SeedChunk[]): Promise<void>;
}

export interface SeedChunk {
  readonly digest: Digest;
  readonly bytes: Uint8Array;
}

export interface SeedOptions {
  readonly signal?: AbortSignal | undefined;
  /** A chunk was written. */
  readonly onChunk?: ((chunkBytes: number) => void) | undefined;
}

/**
 * Looks for wanted chunks where the old manifest says that they are, and writes those that are really there, by their digest.
 * Answers their bytes. An old manifest with gaps supplies what can be found.
 */
export async function seedFrom(old: OldTree, into: SeedInto, options: SeedOptions): Promise<number> {
  const { signal } = options;
  const pace = new Pace(signal);
  const assembly = new ChunkAssembly();
  const reader = new PlaceReader();
  const writing = new SeedWriter(into, options);
  const slots = new Slots();
  try {
    const wanted = wantedPlaces(old, into, writing, reader, pace);
    // Its bytes come from the disk, mostly: the version that is replaced was applied long ago.
    for await (const { item: place, result: bytes } of ahead(wanted, SEED_READS_AHEAD, (place) => readPlace(reader, slots, place))) {
      const chunk = bytes === undefined ? undefined : assembly.add(place, bytes);
      if (chunk !== undefined && hash(chunk) === place.digest) await writing.add(place.digest, chunk);
      else writing.lost(place.digest);
    }
  } catch (error) {
    if (!hasCode(error, 'BC_MANIFEST_INCOMPLETE')) throw error;
  } finally {
    reader.close();
    await writing.end();
  }
  throwIfAborted(signal);
  return writing.writtenBytes;
}

/** In the old tree's order, with the reader turned to the file of each. Of a whole chunk the first place only, as long as that has not proved to be lost. */
async function* wantedPlaces(old: OldTree, into: SeedInto, writing: SeedWriter, reader: PlaceReader, pace: Pace): AsyncGenerator<Place, void, undefined> {
  for await (const entry of old.manifest.filesOf((digest) => writing.missing(digest) !== undefined)) {
    if (into.missingBytes === 0) return;
    if (pace.due) await pace.turn();
    reader.turnTo(pathBelow(old.path, entry.key));
    for await (const place of placesOf(old.manifest, entry)) {
      if (pace.due) await pace.turn();
      if (writing.missing(place.digest) !== place.chunkBytes) continue;
      if (place.lengthBytes === place.chunkBytes) writing.expect(place.digest);
      yield place;
    }
  }
}

function readPlace(reader: PlaceReader, slots: Slots, place: Place): Promise<Uint8Array | undefined> {
  const into = slots.next(place.lengthBytes);
  if (place.lengthBytes >= SEED_READ_ON_THREAD_BYTES_MIN) return reader.readInto(into, place);
  const bytes = reader.read(place);
  if (bytes !== undefined) into.set(bytes);
  return Promise.resolve(bytes === undefined ? undefined : into.subarray(0, place.lengthBytes));
}

/** Memory for what is read ahead, and for what is being looked at. */
class Slots {
  readonly #slots: Uint8Array[] = Array.from({ length: SEED_READS_AHEAD + 1 }, () => new Uint8Array());
  #next = 0;

  next(bytes: number): Uint8Array {
    const at = this.#next++ % this.#slots.length;
    const slot = this.#slots[at];
    if (slot !== undefined && slot.byteLength >= bytes) return slot;
    return (this.#slots[at] = new Uint8Array(bytes));
  }
}

/** Writes some chunks while the next ones are read. */
export class SeedWriter {
  /** Of the chunks that were written. */
  writtenBytes = 0;
  readonly #into: SeedInto;
  readonly #options: SeedOptions;
  /** Being read as a whole. */
  readonly #expected = new Set<Digest>();
  /** Read, or being written. */
  readonly #taken = new Set<Digest>();
  #gathered = new ChunkGathering();
  #written = new ChunkGathering();
  #writing: Promise<void> = Promise.resolve();

  constructor(into: SeedInto, options: SeedOptions) {
    this.#into = into;
    this.#options = options;
  }

  /** Length of a chunk that nobody has found yet; undefined for every other. */
  missing(digest: Digest): number | undefined {
    return this.#taken.has(digest) || this.#expected.has(digest) ? undefined : this.#into.missing(digest);
  }

  /** It is being read. */
  expect(digest: Digest): void {
    this.#expected.add(digest);
  }

  /** What is not there under one name may be under another. */
  lost(digest: Digest): void {
    this.#expected.delete(digest);
  }

  /** Takes a copy. A promise if there are as many as are written together: it resolves when more can be taken, and rejects as writeAll() did. */
  add(digest: Digest, chunk: Uint8Array): Promise<void> | undefined {
    this.#expected.delete(digest);
    this.#taken.add(digest);
    if (this.#gathered.add(digest, chunk)) return undefined;
    return this.#write().then(() => void this.#gathered.add(digest, chunk));
  }

  /** What has been taken is written when it resolves. */
  async end(): Promise<void> {
    await this.#write();
    await this.#writing;
  }

  async #write(): Promise<void> {
    await this.#writing;
    [this.#gathered, this.#written] = [this.#written, this.#gathered];
    this.#gathered.clear();
    const { chunks } = this.#written;
    this.#writing = this.#into.writeAll(chunks).then(() => this.#wrote(chunks));
    // Who waits for the next ones hears of it.
    this.#writing.catch(() => undefined);
  }

  #wrote(chunks: readonly SeedChunk[]): void {
    for (const { digest, bytes } of chunks) {
      this.#taken.delete(digest);
      this.writtenBytes += bytes.byteLength;
      this.#options.onChunk?.(bytes.byteLength);
    }
  }
}

/** Chunks one after the other in memory: what follows on another in a file is written together with it. */
class ChunkGathering {
  chunks: SeedChunk[] = [];
  readonly #bytes = new Uint8Array(SEED_TOGETHER_BYTES);
  #filledBytes = 0;

  clear(): void {
    this.chunks = [];
    this.#filledBytes = 0;
  }

  /** False if there is no room for it. */
  add(digest: Digest, chunk: Uint8Array): boolean {
    if (this.#filledBytes + chunk.byteLength > this.#bytes.byteLength) return false;
    const bytes = this.#bytes.subarray(this.#filledBytes, (this.#filledBytes += chunk.byteLength));
    bytes.set(chunk);
    this.chunks.push({ digest, bytes });
    return true;
  }
}
