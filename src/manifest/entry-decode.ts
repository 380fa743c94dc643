/** One entry of a leaf, from its bytes: every field checked for shape and range. What stands in the node is left there until it is asked for. */
import { FILE_HOLES_MAX, INLINE_PIECES_MAX, LINK_TARGET_BYTES_MAX, PATH_BYTES_MAX, XATTRS_BYTES_MAX } from '../base/limits.ts';
import { DAG_CBOR_CODE } from '../chunking/digest.ts';
import type { CborReader } from './cbor-reader.ts';
import type { ChunkTable } from './chunk-table.ts';
import type { Entry, Hole, Metadata, Xattr } from './entry.ts';
import { DEVICE_NUMBER_MAX, ENTRY_TYPES, MODE_MAX, NANOS_MAX, OWNER_ID_MAX, XATTR_NAME_BYTES_MAX } from './entry-ranges.ts';
import { keyProblem } from './key.ts';
import { nodeError } from './node-error.ts';

export interface EntryRecord {
  readonly type: Entry['type'];
  /** Undefined for a hardlink. */
  readonly metadata: Metadata | undefined;
  /** Of a file, else 0. */
  sizeBytes: number;
  /** Flat triples: index in the chunk table, offset, length. */
  pieces: readonly number[];
  /** Where the digest of the chunk list stands in the node; 0 if there is none. */
  listAt: number;
  /** Link target, as a view of the node. */
  target: Buffer | undefined;
  major: number;
  minor: number;
  holes: readonly Hole[] | undefined;
  xattrs: readonly Xattr[] | undefined;
  /** Where its pieces and the end of them stand in the node; 0 if they do not. */
  piecesAt: number;
  piecesEndAt: number;
}

const NO_PIECES: readonly number[] = [];

/** Reads `type, meta, body[, extra]`. */
export function readEntry(reader: CborReader, chunks: ChunkTable, hasExtra: boolean): EntryRecord {
  const type = ENTRY_TYPES[reader.uint(ENTRY_TYPES.length - 1, 'type')] as Entry['type'];
  const record: EntryRecord = {
    type,
    metadata: type === 'hardlink' ? undefined : readMetadata(reader),
    sizeBytes: 0, pieces: NO_PIECES, listAt: 0, target: undefined, major: 0, minor: 0, holes: undefined, xattrs: undefined,
    piecesAt: 0, piecesEndAt: 0,
  };
  if (type === 'hardlink') reader.null('meta of a hardlink');
  readBody(reader, chunks, record);
  if (hasExtra) readExtra(reader, record);
  if (type === 'file' && record.listAt === 0) checkPieces(reader, chunks, record);
  return record;
}

function readMetadata(reader: CborReader): Metadata {
  reader.arrayOf(5, 'meta');
  return {
    mode: reader.uint(MODE_MAX, 'mode'),
    uid: reader.uint(OWNER_ID_MAX, 'uid'),
    gid: reader.uint(OWNER_ID_MAX, 'gid'),
    mtimeSeconds: reader.int('mtime'),
    mtimeNanos: reader.uint(NANOS_MAX, 'mtime nanoseconds'),
  };
}

function readBody(reader: CborReader, chunks: ChunkTable, record: EntryRecord): void {
  switch (record.type) {
    case 'file':
      readFileBody(reader, chunks, record);
      return;
    case 'symlink':
      record.target = reader.byteString(LINK_TARGET_BYTES_MAX, 'link target');
      if (record.target.length === 0 || record.target.includes(0)) throw nodeError('BC_MANIFEST_UNSAFE', reader.node, 'a link target is empty or holds a NUL byte');
      return;
    case 'hardlink': {
      record.target = reader.byteString(PATH_BYTES_MAX, 'link target');
      const problem = record.target.length === 0 ? 'it is the root directory' : keyProblem(record.target)?.what;
      if (problem !== undefined) throw nodeError('BC_MANIFEST_UNSAFE', reader.node, `target of a hardlink: ${problem}`);
      return;
    }
    case 'char-device':
    case 'block-device':
      reader.arrayOf(2, 'device');
      record.major = reader.uint(DEVICE_NUMBER_MAX, 'major');
      record.minor = reader.uint(DEVICE_NUMBER_MAX, 'minor');
      return;
    case 'directory':
    case 'fifo':
      reader.null('body');
  }
}

function readFileBody(reader: CborReader, chunks: ChunkTable, record: EntryRecord): void {
  reader.arrayOf(2, 'file');
  record.sizeBytes = reader.uint(Number.MAX_SAFE_INTEGER, 'size');
  if (reader.atTag()) {
    record.listAt = reader.cid(DAG_CBOR_CODE, 'chunk list');
    return;
  }
  record.piecesAt = reader.position;
  record.pieces = readPieces(reader, chunks);
  record.piecesEndAt = reader.position;
}

/** Flat triples: index in the chunk table, offset, length. */
export function readPieces(reader: CborReader, chunks: ChunkTable): readonly number[] {
  const count = reader.array('pieces');
  if (count === 0) return NO_PIECES;
  if (count % 3 !== 0) throw reader.error('pieces are no triples');
  if (count > 3 * INLINE_PIECES_MAX) throw reader.error(`${count / 3} pieces, more than ${INLINE_PIECES_MAX}`);
  const pieces: number[] = [];
  for (let at = 0; at < count; at += 3) {
    const index = reader.uint(Number.MAX_SAFE_INTEGER, 'chunk index');
    if (index >= chunks.length) throw reader.error(`chunk index ${index} in a table of ${chunks.length}`);
    const offset = reader.uint(chunks.lengthBytes(index), 'offset in a chunk');
    const length = reader.uint(chunks.lengthBytes(index) - offset, 'length in a chunk');
    if (length === 0) throw reader.error('an empty piece');
    pieces.push(index, offset, length);
  }
  return pieces;
}

/** Pieces fill a file but for its holes. */
function checkPieces(reader: CborReader, chunks: ChunkTable, record: EntryRecord): void {
  let pieceBytes = 0;
  for (let at = 2; at < record.pieces.length; at += 3) pieceBytes += record.pieces[at] as number;
  const wanted = record.sizeBytes - holeBytes(record.holes);
  if (pieceBytes !== wanted) throw reader.error(`pieces hold ${pieceBytes} bytes of a file that has ${wanted} outside its holes`);
}

export function holeBytes(holes: readonly Hole[] | undefined): number {
  return holes === undefined ? 0 : holes.reduce((sum, hole) => sum + hole.lengthBytes, 0);
}

/** Keys in the order of DAG-CBOR: shorter first. */
function readExtra(reader: CborReader, record: EntryRecord): void {
  const count = reader.map('extra');
  let name = '';
  for (let index = 0; index < count; index += 1) {
    const previous = name;
    name = reader.text(16, 'name of an extra');
    if (name === 'holes' && previous === '' && record.type === 'file') record.holes = readHoles(reader, record.sizeBytes);
    else if (name === 'xattrs' && previous !== 'xattrs' && record.type !== 'hardlink') record.xattrs = readXattrs(reader);
    else throw reader.error('an extra that is not known, or not in its place');
  }
  if (count === 0) throw reader.error('an empty map of extras');
}

function readHoles(reader: CborReader, sizeBytes: number): Hole[] {
  const count = reader.array('holes');
  if (count === 0 || count % 2 !== 0 || count > 2 * FILE_HOLES_MAX) throw reader.error(`holes are not 1 to ${FILE_HOLES_MAX} pairs`);
  const holes: Hole[] = [];
  // The first may begin at 0; the others leave data before them.
  let least = 0;
  for (let at = 0; at < count; at += 2) {
    const offsetBytes = reader.uint(sizeBytes, 'offset of a hole');
    const lengthBytes = reader.uint(sizeBytes - offsetBytes, 'length of a hole');
    if (offsetBytes < least || lengthBytes === 0) throw reader.error('holes are empty, touch or are out of order');
    holes.push({ offsetBytes, lengthBytes });
    least = offsetBytes + lengthBytes + 1;
  }
  return holes;
}

function readXattrs(reader: CborReader): Xattr[] {
  const count = reader.array('xattrs');
  if (count === 0) throw reader.error('an empty list of xattrs');
  const xattrs: Xattr[] = [];
  let previous: Buffer = Buffer.alloc(0);
  let totalBytes = 0;
  for (let index = 0; index < count; index += 1) {
    reader.arrayOf(2, 'xattr');
    const name = reader.byteString(XATTR_NAME_BYTES_MAX, 'name of an xattr');
    const value = reader.byteString(XATTRS_BYTES_MAX, 'value of an xattr');
    if (name.includes(0) || Buffer.compare(name, previous) <= 0) throw reader.error('names of xattrs are empty, hold NUL or do not ascend');
    totalBytes += name.length + value.length;
    if (totalBytes > XATTRS_BYTES_MAX) throw reader.error(`xattrs of more than ${XATTRS_BYTES_MAX} bytes`);
    xattrs.push({ name, value });
    previous = name;
  }
  return xattrs;
}
