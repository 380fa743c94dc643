/** One entry of a leaf to its bytes: the counterpart of entry-decode.ts. What a reader would refuse is refused here as BC_USAGE. */
import { BranchcastError } from '../base/errors.ts';
import { CHUNK_BYTES_MAX } from '../base/limits/frames.ts';
import { FILE_HOLES_MAX, LINK_TARGET_BYTES_MAX, XATTRS_BYTES_MAX } from '../base/limits/manifests.ts';
import { DAG_CBOR_CODE } from '../chunking/digest.ts';
import type { CborWriter } from './cbor-writer.ts';
import { holeBytes } from './entry-decode.ts';
import { DEVICE_NUMBER_MAX, ENTRY_TYPES, MODE_MAX, NANOS_MAX, OWNER_ID_MAX, XATTR_NAME_BYTES_MAX } from './entry-ranges.ts';
import type { Entry, FileEntry, Hole, Metadata, Piece, Xattr } from './entry.ts';
import { compareKeys, displayPath, keyProblem } from './key.ts';

/** Writes `[shared, suffix, type, meta, body]` or, with extras, `[…, extra]`. `chunkIndex` answers the index of a piece's chunk in the leaf's table. */
export function writeEntry(writer: CborWriter, entry: Entry, shared: number, chunkIndex: (piece: Piece) => number): void {
  const holes = entry.type === 'file' ? (entry.holes ?? []) : [];
  const xattrs = entry.type === 'hardlink' ? [] : (entry.xattrs ?? []);
  const extraCount = Number(holes.length > 0) + Number(xattrs.length > 0);
  writer.array(extraCount > 0 ? 6 : 5);
  writer.int(shared);
  writer.bytes(entry.key, shared);
  writer.int(ENTRY_TYPES.indexOf(entry.type));
  if (entry.type === 'hardlink') writer.null();
  else writeMetadata(writer, entry, entry);
  writeBody(writer, entry, chunkIndex);
  if (extraCount > 0) writer.map(extraCount);
  if (holes.length > 0) writeHoles(writer, entry as FileEntry, holes);
  if (xattrs.length > 0) writeXattrs(writer, entry, xattrs);
}

function writeMetadata(writer: CborWriter, entry: Entry, { mode, uid, gid, mtimeSeconds, mtimeNanos }: Metadata): void {
  writer.array(5);
  writer.int(inRange(entry, 'mode', mode, MODE_MAX));
  writer.int(inRange(entry, 'uid', uid, OWNER_ID_MAX));
  writer.int(inRange(entry, 'gid', gid, OWNER_ID_MAX));
  if (!Number.isSafeInteger(mtimeSeconds)) throw refused(entry, `mtime is ${mtimeSeconds} s`);
  writer.int(mtimeSeconds);
  writer.int(inRange(entry, 'mtime nanoseconds', mtimeNanos, NANOS_MAX));
}

function writeBody(writer: CborWriter, entry: Entry, chunkIndex: (piece: Piece) => number): void {
  switch (entry.type) {
    case 'file':
      writeContent(writer, entry, chunkIndex);
      return;
    case 'symlink':
      if (entry.target.length === 0 || entry.target.length > LINK_TARGET_BYTES_MAX || entry.target.includes(0)) throw refused(entry, `its target is empty, longer than ${LINK_TARGET_BYTES_MAX} bytes, or holds NUL`);
      writer.bytes(entry.target);
      return;
    case 'hardlink': {
      if (entry.target.length === 0 || keyProblem(entry.target) !== undefined) throw refused(entry, 'its target is no path of a file');
      if (compareKeys(entry.target, entry.key) >= 0) throw refused(entry, `its target ${displayPath(entry.target)} does not come before it`);
      writer.bytes(entry.target);
      return;
    }
    case 'char-device':
    case 'block-device':
      writer.array(2);
      writer.int(inRange(entry, 'major', entry.major, DEVICE_NUMBER_MAX));
      writer.int(inRange(entry, 'minor', entry.minor, DEVICE_NUMBER_MAX));
      return;
    case 'directory':
    case 'fifo':
      writer.null();
  }
}

function writeContent(writer: CborWriter, entry: FileEntry, chunkIndex: (piece: Piece) => number): void {
  writer.array(2);
  writer.int(inRange(entry, 'size', entry.sizeBytes, Number.MAX_SAFE_INTEGER));
  if ('list' in entry.content) {
    writer.cid(DAG_CBOR_CODE, entry.content.list);
    return;
  }
  const { pieces } = entry.content;
  writer.array(3 * pieces.length);
  let pieceBytes = 0;
  for (const piece of pieces) {
    const { chunkBytes, offsetBytes, lengthBytes } = piece;
    inRange(entry, 'chunk length', chunkBytes, CHUNK_BYTES_MAX);
    writer.int(chunkIndex(piece));
    writer.int(inRange(entry, 'offset in a chunk', offsetBytes, chunkBytes - 1));
    writer.int(inRange(entry, 'length in a chunk', lengthBytes, chunkBytes - offsetBytes));
    if (lengthBytes === 0) throw refused(entry, 'a piece is empty');
    pieceBytes += lengthBytes;
  }
  const wanted = entry.sizeBytes - holeBytes(entry.holes);
  if (pieceBytes !== wanted) throw refused(entry, `its pieces hold ${pieceBytes} bytes; outside its holes it has ${wanted}`);
}

function writeHoles(writer: CborWriter, entry: FileEntry, holes: readonly Hole[]): void {
  if (holes.length > FILE_HOLES_MAX) throw refused(entry, `it has ${holes.length} holes, more than ${FILE_HOLES_MAX}`);
  writer.text('holes');
  writer.array(2 * holes.length);
  let least = 0;
  for (const { offsetBytes, lengthBytes } of holes) {
    if (offsetBytes < least || lengthBytes === 0) throw refused(entry, 'its holes are empty, touch or are out of order');
    writer.int(inRange(entry, 'offset of a hole', offsetBytes, entry.sizeBytes));
    writer.int(inRange(entry, 'length of a hole', lengthBytes, entry.sizeBytes - offsetBytes));
    least = offsetBytes + lengthBytes + 1;
  }
}

function writeXattrs(writer: CborWriter, entry: Entry, xattrs: readonly Xattr[]): void {
  writer.text('xattrs');
  writer.array(xattrs.length);
  let previous: Uint8Array = Buffer.alloc(0);
  let totalBytes = 0;
  for (const { name, value } of xattrs) {
    if (Buffer.compare(name, previous) <= 0 || name.length > XATTR_NAME_BYTES_MAX || name.includes(0)) throw refused(entry, 'names of its xattrs are empty, too long, hold NUL, or do not ascend');
    totalBytes += name.length + value.length;
    if (totalBytes > XATTRS_BYTES_MAX) throw refused(entry, `its xattrs have more than ${XATTRS_BYTES_MAX} bytes`);
    writer.array(2);
    writer.bytes(name);
    writer.bytes(value);
    previous = name;
  }
}

function inRange(entry: Entry, what: string, value: number, max: number): number {
  if (!Number.isSafeInteger(value) || value < 0 || value > max) throw refused(entry, `${what} is ${value}, not 0 to ${max}`);
  return value;
}

function refused(entry: Entry, what: string): BranchcastError {
  return new BranchcastError('BC_USAGE', `${displayPath(entry.key)} cannot stand in a manifest: ${what}`);
}
