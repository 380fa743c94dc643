/** The values in the chunk index, as bytes. Private to one version of the index: another version makes it again from the packs. */
import type { ChunkLocation } from './chunk-store.ts';
import { PACK_ID_BYTES } from './pack-format.ts';

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

const LOCATION_BYTES = PACK_ID_BYTES + 16;
const PACK_BYTES = 19;

export function encodeLocation(location: ChunkLocation): Buffer {
  const value = Buffer.allocUnsafe(LOCATION_BYTES);
  value.write(location.packId, 0, 'hex');
  value.writeUInt32LE(location.offsetBytes, 8);
  value.writeUInt32LE(location.storedBytes, 12);
  value.writeUInt32LE(location.rawBytes, 16);
  value.writeUInt32LE(location.chunkBytes, 20);
  return value;
}

/** undefined: not what this version wrote. */
export function decodeLocation(bytes: Uint8Array): ChunkLocation | undefined {
  if (bytes.byteLength !== LOCATION_BYTES) return undefined;
  const value = view(bytes);
  return {
    packId: value.toString('hex', 0, PACK_ID_BYTES),
    offsetBytes: value.readUInt32LE(8), storedBytes: value.readUInt32LE(12), rawBytes: value.readUInt32LE(16), chunkBytes: value.readUInt32LE(20),
  };
}

export function encodePack(record: PackRecord): Buffer {
  const value = Buffer.allocUnsafe(PACK_BYTES);
  value.writeUInt8(record.sealed ? 1 : 0, 0);
  value.writeUInt32LE(record.lengthBytes, 1);
  value.writeUInt32LE(record.frameCount, 5);
  value.writeUInt32LE(record.chunkCount, 9);
  value.writeUIntLE(record.rawBytes, 13, 6);
  return value;
}

/** undefined: not what this version wrote. */
export function decodePack(bytes: Uint8Array): PackRecord | undefined {
  if (bytes.byteLength !== PACK_BYTES) return undefined;
  const value = view(bytes);
  return {
    sealed: value.readUInt8(0) === 1,
    lengthBytes: value.readUInt32LE(1), frameCount: value.readUInt32LE(5), chunkCount: value.readUInt32LE(9), rawBytes: value.readUIntLE(13, 6),
  };
}

function view(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
