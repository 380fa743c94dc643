/** Kind 1: a leaf of the tree, decoded. Entries become objects only when they are asked for: a diff looks at most of them as bytes. */
import { NODE_BYTES_MAX, NODE_ENTRIES_MAX } from '../base/limits.ts';
import { digestFromBytes, type Digest } from '../chunking/digest.ts';
import { CID_BYTES, type CborReader } from './cbor-reader.ts';
import { ChunkTable } from './chunk-table.ts';
import type { Content, Entry, Metadata, Piece, Xattr } from './entry.ts';
import { holeBytes, readEntry, type EntryRecord } from './entry-decode.ts';
import { KeyColumn } from './key-column.ts';

export class Leaf {
  readonly kind = 'leaf';
  readonly level = 0;
  readonly keys: KeyColumn;
  readonly chunks: ChunkTable;
  readonly logicalBytes: number;
  readonly #bytes: Buffer;
  readonly #records: EntryRecord[] = [];

  /** Reads what follows `[1, 1,`. */
  constructor(reader: CborReader) {
    this.#bytes = reader.bytes;
    this.chunks = new ChunkTable(reader, NODE_BYTES_MAX / CID_BYTES);
    this.chunks.refuseRepeats(reader);
    const count = reader.array('entries');
    if (count === 0 || count > NODE_ENTRIES_MAX) throw reader.error(`${count} entries, not 1 to ${NODE_ENTRIES_MAX}`);
    this.keys = new KeyColumn(count);
    let usedChunks = 0;
    let logicalBytes = 0;
    for (let index = 0; index < count; index += 1) {
      const items = reader.array('entry');
      if (items !== 5 && items !== 6) throw reader.error(`entry ${index} has ${items} items instead of 5 or 6`);
      this.keys.read(reader);
      const record = readEntry(reader, this.chunks, items === 6);
      const { pieces } = record;
      for (let at = 0; at < pieces.length; at += 3) {
        const chunk = pieces[at] as number;
        if (chunk > usedChunks) throw reader.error('chunks are not in the order of their first use');
        if (chunk === usedChunks) usedChunks += 1;
      }
      logicalBytes += record.sizeBytes;
      this.#records.push(record);
    }
    if (usedChunks !== this.chunks.length) throw reader.error(`${this.chunks.length - usedChunks} chunks in the table are not used`);
    if (!Number.isSafeInteger(logicalBytes)) throw reader.error('files are larger than 2^53 - 1 bytes together');
    reader.end();
    this.logicalBytes = logicalBytes;
  }

  get entryCount(): number {
    return this.#records.length;
  }

  typeAt(index: number): Entry['type'] {
    return this.#record(index).type;
  }

  /** Digest of an entry's chunk list, if it has one. */
  listAt(index: number): Digest | undefined {
    const { listAt } = this.#record(index);
    return listAt === 0 ? undefined : digestFromBytes(this.#bytes, listAt);
  }

  /** Indices in the chunk table of the chunks of an entry's pieces. */
  *chunksOf(index: number): Generator<number> {
    const { pieces } = this.#record(index);
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
    const a = this.#record(index);
    const b = other.#record(otherIndex);
    if (a.piecesAt === 0 || b.piecesAt === 0) return sameBytes(this.#bytes, a.startAt, a.endAt, other.#bytes, b.startAt, b.endAt);
    return (
      sameBytes(this.#bytes, a.startAt, a.piecesAt, other.#bytes, b.startAt, b.piecesAt) &&
      sameBytes(this.#bytes, a.piecesEndAt, a.endAt, other.#bytes, b.piecesEndAt, b.endAt) &&
      this.#samePieces(a, other, b)
    );
  }

  /** True if two entries are files that are read from the same bytes of the same chunks, with the same holes. */
  sameContent(index: number, other: Leaf, otherIndex: number): boolean {
    const a = this.#record(index);
    const b = other.#record(otherIndex);
    if (a.type !== b.type || a.sizeBytes !== b.sizeBytes) return false;
    if (a.target !== undefined || b.target !== undefined) return a.target !== undefined && b.target !== undefined && a.target.equals(b.target);
    if (a.major !== b.major || a.minor !== b.minor) return false;
    if (this.listAt(index) !== other.listAt(otherIndex)) return false;
    const [aHoles, bHoles] = [a.holes ?? [], b.holes ?? []];
    const sameHoles = aHoles.length === bHoles.length && aHoles.every((hole, at) => hole.offsetBytes === bHoles[at]?.offsetBytes && hole.lengthBytes === bHoles[at]?.lengthBytes);
    return sameHoles && this.#samePieces(a, other, b);
  }

  /** Pieces by the chunks that they name: their indices differ from leaf to leaf. */
  #samePieces(a: EntryRecord, other: Leaf, b: EntryRecord): boolean {
    const [mine, theirs] = [a.pieces, b.pieces];
    if (mine.length !== theirs.length) return false;
    for (let at = 0; at < mine.length; at += 3) {
      if (mine[at + 1] !== theirs[at + 1] || mine[at + 2] !== theirs[at + 2]) return false;
      const [chunk, otherChunk] = [mine[at] as number, theirs[at] as number];
      if (!this.chunks.sameChunk(chunk, other.chunks, otherChunk)) return false;
    }
    return true;
  }

  #content(record: EntryRecord): Content {
    if (record.listAt !== 0) return { list: digestFromBytes(this.#bytes, record.listAt) };
    const pieces: Piece[] = [];
    for (let at = 0; at < record.pieces.length; at += 3) {
      const chunk = record.pieces[at] as number;
      pieces.push({ digest: this.chunks.digest(chunk), chunkBytes: this.chunks.lengthBytes(chunk), offsetBytes: record.pieces[at + 1] as number, lengthBytes: record.pieces[at + 2] as number });
    }
    return { pieces };
  }

  #record(index: number): EntryRecord {
    return this.#records[index] as EntryRecord;
  }
}

function sameBytes(a: Buffer, aStart: number, aEnd: number, b: Buffer, bStart: number, bEnd: number): boolean {
  return aEnd - aStart === bEnd - bStart && a.compare(b, bStart, bEnd, aStart, aEnd) === 0;
}

function withXattrs(metadata: Metadata, xattrs: readonly Xattr[] | undefined): Metadata {
  return xattrs === undefined ? metadata : { ...metadata, xattrs: xattrs.map(({ name, value }) => ({ name: copy(name), value: copy(value) })) };
}

function copy(bytes: Uint8Array | undefined): Buffer {
  return Buffer.from(bytes ?? []);
}
