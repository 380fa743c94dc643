/** One entry of a leaf, from its bytes: every field checked for shape and range. What stands in the node is left there until it is asked for. */
import { FILE_HOLES_MAX, INLINE_PIECES_MAX, LINK_TARGET_BYTES_MAX, PATH_BYTES_MAX, XATTRS_BYTES_MAX } from '../base/limits/manifests.ts';
import { DAG_CBOR_CODE } from '../chunking/digest.ts';
import type { CborReader } from './cbor-reader.ts';
import type { ChunkTable } from './chunk-table.ts';
import type { Entry, Hole, Xattr } from './entry.ts';
import { DEVICE_NUMBER_MAX, ENTRY_TYPES, MODE_MAX, NANOS_MAX, OWNER_ID_MAX, XATTR_NAME_BYTES_MAX } from './entry-ranges.ts';
import { keyProblem } from './key.ts';
import { nodeError } from './node-error.ts';

/**
 * What one entry says, as readEntry leaves it. One is used for all entries of a node, each written over the one before: an object for
 * each would be most of the work of reading a node. Fields that a type does not have hold 0 or undefined.
 */
export class EntryRecord {
  type: Entry['type'] = 'directory';
  mode = 0;
  uid = 0;
  gid = 0;
  mtimeSeconds = 0;
  mtimeNanos = 0;
  sizeBytes = 0;
  /** Flat triples, as many numbers as `pieceItems` says: index in the chunk table, offset, length. */
  readonly pieces = new Uint32Array(3 * INLINE_PIECES_MAX);
  pieceItems = 0;
  /** Link target, as a view of the node. */
  target: Buffer | undefined = undefined;
  major = 0;
  minor = 0;
  holes: readonly Hole[] | undefined = undefined;
  xattrs: readonly Xattr[] | undefined = undefined;
  /** Where the body stands in the node, and where it ends. */
  bodyAt = 0;
  bodyEndAt = 0;
  /** Where the pieces stand, up to the end of the body; 0 if there are none in the entry. */
  piecesAt = 0;
  /** Where the digest of the chunk list stands; 0 if there is none. */
  listAt = 0;

  clear(): void {
    this.mode = this.uid = this.gid = this.mtimeSeconds = this.mtimeNanos = 0;
    this.sizeBytes = this.pieceItems = this.major = this.minor = this.piecesAt = this.listAt = 0;
    this.target = undefined;
    this.holes = undefined;
    this.xattrs = undefined;
  }
}

/** Reads `type, meta, body[, extra]` into `record`. */
export function readEntry(reader: CborReader, chunks: ChunkTable, hasExtra: boolean, record: EntryRecord): void {
  record.clear();
  record.type = ENTRY_TYPES[reader.uint(ENTRY_TYPES.length - 1, 'type')] as Entry['type'];
  if (record.type === 'hardlink') reader.null('meta of a hardlink');
  else readMetadata(reader, record);
  record.bodyAt = reader.position;
  readBody(reader, chunks, record);
  record.bodyEndAt = reader.position;
  if (hasExtra) readExtra(reader, record);
  if (record.piecesAt !== 0) checkPieces(reader, record);
}

function readMetadata(reader: CborReader, record: EntryRecord): void {
  reader.arrayOf(5, 'meta');
  record.mode = reader.uint(MODE_MAX, 'mode');
  record.uid = reader.uint(OWNER_ID_MAX, 'uid');
  record.gid = reader.uint(OWNER_ID_MAX, 'gid');
  record.mtimeSeconds = reader.int('mtime');
  record.mtimeNanos = reader.uint(NANOS_MAX, 'mtime nanoseconds');
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
  readPieces(reader, chunks, record);
}

/** Reads the pieces alone: nothing else of `record` is touched. */
export function readPieces(reader: CborReader, chunks: ChunkTable, record: EntryRecord): void {
  const count = reader.array('pieces');
  if (count % 3 !== 0) throw reader.error('pieces are no triples');
  if (count > 3 * INLINE_PIECES_MAX) throw reader.error(`${count / 3} pieces, more than ${INLINE_PIECES_MAX}`);
  const { pieces } = record;
  for (let at = 0; at < count; at += 3) {
    const index = reader.uint(Number.MAX_SAFE_INTEGER, 'chunk index');
    if (index >= chunks.length) throw reader.error(`chunk index ${index} in a table of ${chunks.length}`);
    const chunkBytes = chunks.lengthBytes(index);
    const offset = reader.uint(chunkBytes, 'offset in a chunk');
    const length = reader.uint(chunkBytes - offset, 'length in a chunk');
    if (length === 0) throw reader.error('an empty piece');
    pieces[at] = index;
    pieces[at + 1] = offset;
    pieces[at + 2] = length;
  }
  record.pieceItems = count;
}

/** Pieces fill a file but for its holes. */
function checkPieces(reader: CborReader, record: EntryRecord): void {
  let pieceBytes = 0;
  for (let at = 2; at < record.pieceItems; at += 3) pieceBytes += record.pieces[at] as number;
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
