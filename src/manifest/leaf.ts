/** Kind 1: a leaf of the tree, decoded. Entries become objects only when they are asked for: a diff looks at most of them as bytes. */
import { NODE_BYTES_MAX, NODE_ENTRIES_MAX } from '../base/limits.ts';
import { digestFromBytes, type Digest } from '../chunking/digest.ts';
import { sameRun } from './byte-runs.ts';
import { CID_BYTES, type CborReader } from './cbor-reader.ts';
import { ChunkTable } from './chunk-table.ts';
import type { Content, Entry, Hole, Metadata, Piece, Xattr } from './entry.ts';
import { holeBytes, readEntry, readPieces, type EntryRecord } from './entry-decode.ts';
import { ENTRY_TYPES } from './entry-ranges.ts';
import { KeyColumn } from './key-column.ts';

/** Places in the node that are kept of each entry: where its type, its pieces and the end of both stand, and its list. */
const START = 0;
const PIECES = 1;
const PIECES_END = 2;
const END = 3;
const LIST = 4;
/** Not a place: 1 if it has extras. */
const EXTRA = 5;
const PLACES = 6;

const NOTHING = Buffer.alloc(0);

export class Leaf {
  readonly kind = 'leaf';
  readonly level = 0;
  readonly entryCount: number;
  readonly keys: KeyColumn;
  readonly chunks: ChunkTable;
  readonly logicalBytes: number;
  readonly #reader: CborReader;
  /** PLACES numbers an entry. Only they are kept of what was read and checked: hundreds of objects a node would be work for the garbage collector. */
  readonly #places: Uint32Array;

  /** Reads what follows `[1, 1,`. */
  constructor(reader: CborReader) {
    this.#reader = reader;
    this.chunks = new ChunkTable(reader, NODE_BYTES_MAX / CID_BYTES);
    this.chunks.refuseRepeats(reader);
    const count = reader.array('entries');
    if (count === 0 || count > NODE_ENTRIES_MAX) throw reader.error(`${count} entries, not 1 to ${NODE_ENTRIES_MAX}`);
    this.entryCount = count;
    this.keys = new KeyColumn(count);
    this.#places = new Uint32Array(count * PLACES);
    let usedChunks = 0;
    let logicalBytes = 0;
    for (let index = 0; index < count; index += 1) {
      const items = reader.array('entry');
      if (items !== 5 && items !== 6) throw reader.error(`entry ${index} has ${items} items instead of 5 or 6`);
      this.keys.read(reader);
      const startAt = reader.position;
      const record = readEntry(reader, this.chunks, items === 6);
      const places = [startAt, record.piecesAt, record.piecesEndAt, reader.position, record.listAt, items - 5];
      for (let which = 0; which < PLACES; which += 1) this.#places[index * PLACES + which] = places[which] as number;
      const { pieces } = record;
      for (let at = 0; at < pieces.length; at += 3) {
        const chunk = pieces[at] as number;
        if (chunk > usedChunks) throw reader.error('chunks are not in the order of their first use');
        if (chunk === usedChunks) usedChunks += 1;
      }
      logicalBytes += record.sizeBytes;
    }
    if (usedChunks !== this.chunks.length) throw reader.error(`${this.chunks.length - usedChunks} chunks in the table are not used`);
    if (!Number.isSafeInteger(logicalBytes)) throw reader.error('files are larger than 2^53 - 1 bytes together');
    reader.end();
    this.logicalBytes = logicalBytes;
  }

  typeAt(index: number): Entry['type'] {
    return ENTRY_TYPES[this.#reader.bytes[this.#place(index, START)] as number] as Entry['type'];
  }

  /** Digest of an entry's chunk list, if it has one. */
  listAt(index: number): Digest | undefined {
    const listAt = this.#place(index, LIST);
    return listAt === 0 ? undefined : digestFromBytes(this.#reader.bytes, listAt);
  }

  /** Indices in the chunk table of the chunks of an entry's pieces. */
  *chunksOf(index: number): Generator<number> {
    const pieces = this.#pieces(index);
    for (let at = 0; at < pieces.length; at += 3) yield pieces[at] as number;
  }

  /** Bytes of a file outside its holes. */
  contentBytes(index: number): number {
    const { sizeBytes, holes } = this.#record(index);
    return sizeBytes - holeBytes(holes);
  }

  /** The entry as an object of its own; only its key shares memory with the leaf's other keys. */
  entryAt(index: number): Entry {
    const record = this.#record(index);
    const key = this.keys.at(index);
    const { type, metadata } = record;
    if (type === 'hardlink' || metadata === undefined) return { type: 'hardlink', key, target: copy(record.target) };
    const common = withXattrs(metadata, record.xattrs);
    if (type === 'file') {
      const file = { type, key, ...common, sizeBytes: record.sizeBytes, content: this.#content(record) };
      return record.holes === undefined ? file : { ...file, holes: record.holes };
    }
    if (type === 'symlink') return { type, key, ...common, target: copy(record.target) };
    if (type === 'char-device' || type === 'block-device') return { type, key, ...common, major: record.major, minor: record.minor };
    return { type, key, ...common };
  }

  /** True if what both say of their path is the same; the keys are not looked at. */
  sameEntry(index: number, other: Leaf, otherIndex: number): boolean {
    if (this.#place(index, PIECES) === 0 || other.#place(otherIndex, PIECES) === 0) return this.#sameRun(index, START, END, other, otherIndex);
    return (
      this.#sameRun(index, START, PIECES, other, otherIndex) &&
      this.#sameRun(index, PIECES_END, END, other, otherIndex) &&
      samePieces(this.#pieces(index), this.chunks, other.#pieces(otherIndex), other.chunks)
    );
  }

  /** True if only metadata may differ: the same type, target, device number, bytes and holes. */
  sameContent(index: number, other: Leaf, otherIndex: number): boolean {
    const a = this.#record(index);
    const b = other.#record(otherIndex);
    if (a.type !== b.type || a.sizeBytes !== b.sizeBytes || a.major !== b.major || a.minor !== b.minor) return false;
    if (Buffer.compare(a.target ?? NOTHING, b.target ?? NOTHING) !== 0) return false;
    if (this.listAt(index) !== other.listAt(otherIndex)) return false;
    return sameHoles(a.holes ?? [], b.holes ?? []) && samePieces(a.pieces, this.chunks, b.pieces, other.chunks);
  }

  #sameRun(index: number, from: number, to: number, other: Leaf, otherIndex: number): boolean {
    return sameRun(this.#reader.bytes, this.#place(index, from), this.#place(index, to), other.#reader.bytes, other.#place(otherIndex, from), other.#place(otherIndex, to));
  }

  #content(record: EntryRecord): Content {
    if (record.listAt !== 0) return { list: digestFromBytes(this.#reader.bytes, record.listAt) };
    const pieces: Piece[] = [];
    for (let at = 0; at < record.pieces.length; at += 3) {
      const chunk = record.pieces[at] as number;
      pieces.push({ digest: this.chunks.digest(chunk), chunkBytes: this.chunks.lengthBytes(chunk), offsetBytes: record.pieces[at + 1] as number, lengthBytes: record.pieces[at + 2] as number });
    }
    return { pieces };
  }

  #place(index: number, which: number): number {
    return this.#places[index * PLACES + which] as number;
  }

  /** Reads an entry again. */
  #record(index: number): EntryRecord {
    this.#reader.position = this.#place(index, START);
    return readEntry(this.#reader, this.chunks, this.#place(index, EXTRA) === 1);
  }

  /** Reads the pieces of an entry again. */
  #pieces(index: number): readonly number[] {
    this.#reader.position = this.#place(index, PIECES);
    return this.#reader.position === 0 ? [] : readPieces(this.#reader, this.chunks);
  }
}

/** Pieces by the chunks that they name: their indices differ from leaf to leaf. */
function samePieces(a: readonly number[], aChunks: ChunkTable, b: readonly number[], bChunks: ChunkTable): boolean {
  if (a.length !== b.length) return false;
  for (let at = 0; at < a.length; at += 3) {
    if (a[at + 1] !== b[at + 1] || a[at + 2] !== b[at + 2]) return false;
    if (!aChunks.sameChunk(a[at] as number, bChunks, b[at] as number)) return false;
  }
  return true;
}

function sameHoles(a: readonly Hole[], b: readonly Hole[]): boolean {
  return a.length === b.length && a.every(({ offsetBytes, lengthBytes }, at) => offsetBytes === b[at]?.offsetBytes && lengthBytes === b[at].lengthBytes);
}

function withXattrs(metadata: Metadata, xattrs: readonly Xattr[] | undefined): Metadata {
  return xattrs === undefined ? metadata : { ...metadata, xattrs: xattrs.map(({ name, value }) => ({ name: copy(name), value: copy(value) })) };
}

function copy(bytes: Uint8Array | undefined): Buffer {
  return Buffer.from(bytes ?? []);
}
