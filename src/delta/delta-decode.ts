/** Delta frames read back. Nothing in one is believed: it is decompressed within its bound, and every chunk is held against its digest. */
import { crc32 } from 'node:zlib';
import { BranchcastError } from '../base/errors.ts';
import { DELTA_WINDOW_LOG_MAX } from '../base/limits/deltas.ts';
import { hash } from '../chunking/hash.ts';
import { decompressExactly } from '../store/decompress-exactly.ts';
import type { Chunk } from '../store/frame-encode.ts';
import { malformedDelta, parseDeltaHeader, type DeltaHeader } from './delta-header.ts';
import { decodeDifferences } from './differences.ts';
import { isFormattedDictionary } from './raw-dictionary.ts';

/** The header of exactly one whole delta frame whose checksums hold. Throws BC_FRAME_MALFORMED. */
export function checkDelta(delta: Uint8Array): DeltaHeader {
  const header = parseDeltaHeader(delta);
  if (header === undefined || header.deltaBytes !== delta.byteLength) throw malformedDelta(`${delta.byteLength} bytes where its header says ${header?.deltaBytes ?? 'more'}`);
  if (crc32(delta.subarray(header.payloadOffset)) !== header.payloadCrc) throw malformedDelta('the checksum of its payload is wrong');
  return header;
}

/**
 * The chunks of a delta frame, each verified, as views of one buffer. `base` is what `header.base` names, in its order, one after the other. Throws
 * BC_FRAME_MALFORMED; BC_CHUNK_CORRUPT if the frame lies or the base is not what it should be.
 */
export function decodeDelta(delta: Uint8Array, base: Uint8Array): Chunk[] {
  const header = checkDelta(delta);
  if (base.byteLength !== header.baseBytes) throw malformedDelta(`a base of ${base.byteLength} bytes where its header says ${header.baseBytes}`);
  const payload = delta.subarray(header.payloadOffset);
  const raw = header.codec === 'zstd' ? decompressAgainst(base, payload, header.rawBytes) : decodeDifferences(payload, base, header.rawBytes);
  return header.chunks.map(({ digest, bytes: length, offsetBytes }) => {
    const bytes = raw.subarray(offsetBytes, offsetBytes + length);
    if (hash(bytes) !== digest) throw new BranchcastError('BC_CHUNK_CORRUPT', `a delta does not give the bytes of chunk ${digest}`, { details: { digest } });
    return { digest, bytes };
  });
}

function decompressAgainst(base: Uint8Array, payload: Uint8Array, rawBytes: number): Uint8Array {
  if (isFormattedDictionary(base)) throw malformedDelta('its base is no raw content');
  const bounds = { rawBytes, windowLogMax: DELTA_WINDOW_LOG_MAX };
  return decompressExactly(payload, base.byteLength === 0 ? bounds : { ...bounds, dictionary: base }, malformedDelta);
}
