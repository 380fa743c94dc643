/** The values in the chunk index, as bytes. Private to one version of the index: another version makes it again from the packs. */
import { VARINT_BYTES_MAX, VarintReader, writeVarint } from '../base/varint.ts';
import type { ChunkLocation } from './chunk-store.ts';

/** What the index has taken in of a pack. */
export interface PackRecord {
  /** Length of the file up to which its frames are in the index. */
  readonly lengthBytes: number;
  readonly sealed: boolean;
  readonly frameCount: number;
  /** Chunks that the index finds in this pack, and their bytes. */
  readonly chunkCount: number;
  readonly rawBytes: number;
}

/** Pack number, then offset, stored, raw and chunk bytes, none above 32 bits: at most 5 bytes each. */
const LOCATION_NUMBERS = 5;
const PACK_BYTES = 23;

/** A location as the index keeps it: with the short number that it gave to the pack. */
export interface NumberedLocation extends Omit<ChunkLocation, 'packId'> {
  readonly packNumber: number;
}

/** Five unsigned LEB128 varints: about 15 bytes where fixed fields with the pack's id would take 24. This is most of what an index costs. */
export function encodeLocation(location: NumberedLocation): Buffer {
  const value = Buffer.allocUnsafe(LOCATION_NUMBERS * VARINT_BYTES_MAX);
  let at = 0;
  for (const number of [location.packNumber, location.offsetBytes, location.storedBytes, location.rawBytes, location.chunkBytes]) at = writeVarint(value, at, number);
  return value.subarray(0, at);
}

/** undefined: not what this version wrote. */
export function decodeLocation(bytes: Uint8Array): NumberedLocation | undefined {
  const numbers = new VarintReader(bytes);
  const location = { packNumber: numbers.next(), offsetBytes: numbers.next(), storedBytes: numbers.next(), rawBytes: numbers.next(), chunkBytes: numbers.next() };
  return numbers.isAtEnd && location.chunkBytes <= location.rawBytes ? location : undefined;
}

/** A pack's number counts as long as its record is there. */
export interface NumberedPack extends PackRecord {
  readonly packNumber: number;
}

export function encodePack(record: NumberedPack): Buffer {
  const value = Buffer.allocUnsafe(PACK_BYTES);
  value.writeUInt8(record.sealed ? 1 : 0, 0);
  value.writeUInt32LE(record.lengthBytes, 1);
  value.writeUInt32LE(record.frameCount, 5);
  value.writeUInt32LE(record.chunkCount, 9);
  value.writeUIntLE(record.rawBytes, 13, 6);
  value.writeUInt32LE(record.packNumber, 19);
  return value;
}

/** undefined: not what this version wrote. */
export function decodePack(bytes: Uint8Array): NumberedPack | undefined {
  if (bytes.byteLength !== PACK_BYTES) return undefined;
  const value = view(bytes);
  return {
    sealed: value.readUInt8(0) === 1,
    lengthBytes: value.readUInt32LE(1), frameCount: value.readUInt32LE(5), chunkCount: value.readUInt32LE(9), rawBytes: value.readUIntLE(13, 6), packNumber: value.readUInt32LE(19),
  };
}

function view(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
