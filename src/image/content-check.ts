/** Do files hold what their manifest says? Each chunk by its digest; chunks that small files share, once all of them have been read. */
import { CHUNK_BYTES_MAX } from '../base/limits/frames.ts';
import type { Digest } from '../chunking/digest.ts';
import { hash } from '../chunking/hash.ts';
import type { FileEntry, PathKey } from '../manifest/entry.ts';
import type { Manifest } from '../manifest/read.ts';
import { eachPlace } from './file-places.ts';
import type { Pace } from './pace.ts';
import { PlaceReader } from './place-reader.ts';
import type { Place } from './place-table.ts';

/** Shared chunks that are open at a time: one in the trees that branchcast captures, more only in strange ones. */
const OPEN_CHUNKS_MAX = 16;

interface SharedChunk {
  readonly bytes: Uint8Array;
  readonly keys: PathKey[];
  seenBytes: number;
  /** Some of its bytes could not be had. */
  isBroken: boolean;
}

export class ContentCheck {
  readonly #manifest: Manifest;
  readonly #report: (key: PathKey, message: string) => void;
  readonly #reader = new PlaceReader();
  readonly #shared = new Map<Digest, SharedChunk>();
  #checkedBytes = 0;

  /** Files are given in key order, every one of the manifest. `report` is called at most once for each cause. */
  constructor(manifest: Manifest, report: (key: PathKey, message: string) => void) {
    this.#manifest = manifest;
    this.#report = report;
  }

  get checkedBytes(): number {
    return this.#checkedBytes;
  }

  async check(entry: FileEntry, path: Buffer, pace: Pace): Promise<void> {
    this.#reader.turnTo(path);
    let firstBad: number | undefined;
    await eachPlace(this.#manifest, entry, pace, (place) => {
      if (firstBad !== undefined) return;
      const bytes = this.#reader.read(place);
      this.#checkedBytes += bytes?.byteLength ?? 0;
      if (place.lengthBytes < place.chunkBytes) this.#addShared(entry.key, place, bytes);
      else if (bytes === undefined || hash(bytes) !== place.digest) firstBad = place.fileOffsetBytes;
    });
    firstBad ??= this.#firstInHole(entry);
    this.#reader.close();
    if (firstBad !== undefined) this.#report(entry.key, `its bytes differ from the layer's, or cannot be read, at ${firstBad}`);
  }

  /** A file that is known to be missing or of another size: those that share its chunk cannot be verified. */
  async pass(entry: FileEntry, pace: Pace): Promise<void> {
    await eachPlace(this.#manifest, entry, pace, (place) => {
      if (place.lengthBytes < place.chunkBytes) this.#addShared(undefined, place, undefined);
    });
  }

  /** After the last file. */
  finish(): void {
    for (const chunk of this.#shared.values()) this.#judge(undefined, chunk);
    this.#shared.clear();
    this.#reader.close();
  }

  #addShared(key: PathKey | undefined, place: Place, bytes: Uint8Array | undefined): void {
    const { digest, chunkBytes, chunkOffsetBytes } = place;
    let chunk = this.#shared.get(digest);
    if (chunk === undefined) {
      for (const [oldest, other] of this.#shared) {
        if (this.#shared.size < OPEN_CHUNKS_MAX) break;
        this.#judge(undefined, other);
        this.#shared.delete(oldest);
      }
      chunk = { bytes: new Uint8Array(chunkBytes), keys: [], seenBytes: 0, isBroken: false };
      this.#shared.set(digest, chunk);
    }
    if (key !== undefined) chunk.keys.push(key);
    if (bytes === undefined || chunk.seenBytes !== chunkOffsetBytes) chunk.isBroken = true;
    else chunk.bytes.set(bytes, chunkOffsetBytes);
    chunk.seenBytes = chunkOffsetBytes + place.lengthBytes;
    if (chunk.seenBytes < chunkBytes) return;
    this.#shared.delete(digest);
    this.#judge(digest, chunk);
  }

  /** `digest` is undefined for a chunk of which the tree shows only a part. */
  #judge(digest: Digest | undefined, { bytes, keys, isBroken }: SharedChunk): void {
    const first = keys[0];
    if (first === undefined) return;
    const among = keys.length === 1 ? 'it' : `it, or one of the ${keys.length - 1} small files after it,`;
    if (digest === undefined || isBroken) this.#report(first, `${among} cannot be verified: a file that shares its chunk is not as it was`);
    else if (hash(bytes) !== digest) this.#report(first, `${among} does not hold the layer's bytes`);
  }

  /** Where a hole is not all zeros. */
  #firstInHole({ holes = [] }: FileEntry): number | undefined {
    for (const { offsetBytes, lengthBytes } of holes) {
      for (let at = 0; at < lengthBytes; at += CHUNK_BYTES_MAX) {
        const length = Math.min(CHUNK_BYTES_MAX, lengthBytes - at);
        const bytes = this.#reader.read({ lengthBytes: length, fileOffsetBytes: offsetBytes + at });
        if (bytes === undefined || bytes.some((byte) => byte !== 0)) return offsetBytes + at;
      }
    }
    return undefined;
  }
}
