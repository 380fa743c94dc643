/**
 * Kind 1: a leaf of the tree. Every entry is read and checked when the leaf is; of each only its places in the node are kept. Entries
 * become objects when they are asked for, which refuses nothing any more: a diff looks at most of them as bytes.
 */
import { digestFromBytes, type Digest } from '../chunking/digest.ts';
import { sameRun } from './byte-runs.ts';
import type { CborReader } from './cbor-reader.ts';
import type { ChunkTable } from './chunk-table.ts';
import type { Content, Entry, Hole, PathKey, Piece } from './entry.ts';
import { EntryRecord, holeBytes, readEntry, readPieces } from './entry-decode.ts';
import { ENTRY_TYPES } from './entry-ranges.ts';
import type { KeyColumn } from './key-column.ts';
import { readPlainLeaf } from './leaf-kernel.ts';
import { PLACE, PLACES, readLeaf } from './read-leaf.ts';

const NO_CHUNKS: readonly number[] = [];

/** What two entries of one path differ in. `content`: type, target, device number, bytes or holes; perhaps metadata too. */
export type EntryDifference = 'none' | 'metadata' | 'content';

export class Leaf {
  readonly kind = 'leaf';
  readonly level = 0;
  readonly entryCount: number;
  readonly keys: KeyColumn;
  readonly chunks: ChunkTable;
  readonly logicalBytes: number;
  /** Whether a file of it has a chunk list: if none has, its chunks in the order of their first use are those of `chunks`. */
  readonly hasLists: boolean;
  readonly #reader: CborReader;
  /** PLACES numbers an entry. */
  readonly #places: Uint32Array;
  /** Of the entry that was read last. */
  readonly #record = new EntryRecord();

  /** Reads what follows `[1, 1,`: by the kernel, if it will, or else item by item. */
  constructor(reader: CborReader) {
    const { entryCount, keys, chunks, places, logicalBytes, hasLists } = readPlainLeaf(reader.bytes, reader.position) ?? readLeaf(reader);
    this.#reader = reader;
    this.entryCount = entryCount;
    this.keys = keys;
    this.chunks = chunks;
    this.logicalBytes = logicalBytes;
    this.hasLists = hasLists;
    this.#places = places;
  }

  /** That it takes, its block included. */
  get memoryBytes(): number {
    return this.#reader.bytes.byteLength + this.keys.memoryBytes + this.chunks.memoryBytes + this.#places.byteLength;
  }

  typeAt(index: number): Entry['type'] {
    return ENTRY_TYPES[this.#reader.bytes[this.#place(index, PLACE.start)] as number] as Entry['type'];
  }

  /** Digest of an entry's chunk list, if it has one. */
  listAt(index: number): Digest | undefined {
    const listAt = this.#place(index, PLACE.list);
    return listAt === 0 ? undefined : digestFromBytes(this.#reader.bytes, listAt);
  }

  /** Indices in the chunk table of the chunks of an entry's pieces. */
  chunksOf(index: number): readonly number[] {
    const piecesAt = this.#place(index, PLACE.pieces);
    if (piecesAt === 0) return NO_CHUNKS;
    this.#reader.position = piecesAt;
    const record = this.#record;
    readPieces(this.#reader, this.chunks, record);
    const chunks: number[] = [];
    for (let at = 0; at < record.pieceItems; at += 3) chunks.push(record.pieces[at] as number);
    return chunks;
  }

  /** Bytes of a file outside its holes. */
  contentBytes(index: number): number {
    const { sizeBytes, holes } = this.#recordOf(index);
    return sizeBytes - holeBytes(holes);
  }

  /** The entry as an object of its own; only its key shares memory with the leaf's other keys. */
  entryAt(index: number): Entry {
    const record = this.#recordOf(index);
    const entry = this.#plainEntry(this.keys.at(index), record);
    const { holes, xattrs } = record;
    // Rare, and to spread what is not there takes as long as all the rest.
    if (holes === undefined && xattrs === undefined) return entry;
    return {
      ...entry,
      ...(holes === undefined ? {} : { holes }),
      ...(xattrs === undefined ? {} : { xattrs: xattrs.map(({ name, value }) => ({ name: copy(name), value: copy(value) })) }),
    };
  }

  /** Without holes and xattrs. */
  #plainEntry(key: PathKey, record: EntryRecord): Entry {
    const { type, mode, uid, gid, mtimeSeconds, mtimeNanos } = record;
    if (type === 'file') return { type, key, mode, uid, gid, mtimeSeconds, mtimeNanos, sizeBytes: record.sizeBytes, content: this.#content(record) };
    if (type === 'hardlink') return { type, key, target: copy(record.target) };
    if (type === 'symlink') return { type, key, mode, uid, gid, mtimeSeconds, mtimeNanos, target: copy(record.target) };
    if (type === 'char-device' || type === 'block-device') return { type, key, mode, uid, gid, mtimeSeconds, mtimeNanos, major: record.major, minor: record.minor };
    return { type, key, mode, uid, gid, mtimeSeconds, mtimeNanos };
  }

  /** What both say of their path, compared as bytes: the encoding is canonical. The keys are not looked at. */
  difference(index: number, other: Leaf, otherIndex: number): EntryDifference {
    // Of two manifests that share a reader it may be the same object, which reads one place at a time.
    if (other === this && otherIndex === index) return 'none';
    if (!this.#sameContent(index, other, otherIndex)) return 'content';
    return this.#sameRun(index, PLACE.start, PLACE.body, other, otherIndex) && this.#sameRun(index, PLACE.bodyEnd, PLACE.end, other, otherIndex) ? 'none' : 'metadata';
  }

  #sameContent(index: number, other: Leaf, otherIndex: number): boolean {
    if (this.#reader.bytes[this.#place(index, PLACE.start)] !== other.#reader.bytes[other.#place(otherIndex, PLACE.start)]) return false;
    const [pieces, otherPieces] = [this.#place(index, PLACE.pieces), other.#place(otherIndex, PLACE.pieces)];
    if (pieces === 0 || otherPieces === 0) {
      if (!this.#sameRun(index, PLACE.body, PLACE.bodyEnd, other, otherIndex)) return false;
    } else if (!this.#sameRun(index, PLACE.body, PLACE.pieces, other, otherIndex) || !this.#samePieces(index, other, otherIndex)) return false;
    return this.#sameRun(index, PLACE.bodyEnd, PLACE.end, other, otherIndex) || sameHoles(this.#recordOf(index).holes, other.#recordOf(otherIndex).holes);
  }

  /** Pieces by the chunks that they name: their indices differ from leaf to leaf. */
  #samePieces(index: number, other: Leaf, otherIndex: number): boolean {
    const [a, b] = [this.#reader, other.#reader];
    a.position = this.#place(index, PLACE.pieces);
    b.position = other.#place(otherIndex, PLACE.pieces);
    const items = a.array('pieces');
    if (items !== b.array('pieces')) return false;
    for (let item = 0; item < items; item += 1) {
      const [number, otherNumber] = [a.uint(Number.MAX_SAFE_INTEGER, 'item of a piece'), b.uint(Number.MAX_SAFE_INTEGER, 'item of a piece')];
      if (item % 3 === 0 ? !this.chunks.sameChunk(number, other.chunks, otherNumber) : number !== otherNumber) return false;
    }
    return true;
  }

  #sameRun(index: number, from: number, to: number, other: Leaf, otherIndex: number): boolean {
    return sameRun(this.#reader.bytes, this.#place(index, from), this.#place(index, to), other.#reader.bytes, other.#place(otherIndex, from), other.#place(otherIndex, to));
  }

  #content(record: EntryRecord): Content {
    if (record.listAt !== 0) return { list: digestFromBytes(this.#reader.bytes, record.listAt) };
    const pieces: Piece[] = [];
    for (let at = 0; at < record.pieceItems; at += 3) {
      const chunk = record.pieces[at] as number;
      pieces.push({ digest: this.chunks.digest(chunk), chunkBytes: this.chunks.lengthBytes(chunk), offsetBytes: record.pieces[at + 1] as number, lengthBytes: record.pieces[at + 2] as number });
    }
    return { pieces };
  }

  #place(index: number, which: number): number {
    return this.#places[index * PLACES + which] as number;
  }

  /** Reads an entry again. */
  #recordOf(index: number): EntryRecord {
    this.#reader.position = this.#place(index, PLACE.start);
    readEntry(this.#reader, this.chunks, this.#place(index, PLACE.bodyEnd) !== this.#place(index, PLACE.end), this.#record);
    return this.#record;
  }
}

function sameHoles(a: readonly Hole[] = [], b: readonly Hole[] = []): boolean {
  return a.length === b.length && a.every(({ offsetBytes, lengthBytes }, at) => offsetBytes === b[at]?.offsetBytes && lengthBytes === b[at].lengthBytes);
}

function copy(bytes: Uint8Array | undefined): Buffer {
  return Buffer.from(bytes ?? []);
}
