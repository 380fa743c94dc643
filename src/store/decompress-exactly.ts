/** zstd within bounds that were known before: for payloads of which nothing is believed. */
import { constants, zstdDecompressSync } from 'node:zlib';
import type { BranchcastError } from '../base/errors.ts';

/** zlib refuses a chunkSize below this; and an output that fills its buffer to the last byte costs a second buffer and call. */
const OUTPUT_SPARE_BYTES = 64;

export interface DecompressOptions {
  readonly rawBytes: number;
  /** A payload that asks for a larger window is refused. */
  readonly windowLogMax: number;
  readonly dictionary?: Uint8Array;
}

/** Throws what `refuse` makes of a reason, unless the payload decompresses to `rawBytes` bytes: neither more nor fewer. */
export function decompressExactly(payload: Uint8Array, options: DecompressOptions, refuse: (why: string, cause?: unknown) => BranchcastError): Uint8Array {
  const { rawBytes, windowLogMax, dictionary } = options;
  let raw: Uint8Array;
  try {
    raw = zstdDecompressSync(payload, {
      chunkSize: rawBytes + OUTPUT_SPARE_BYTES,
      maxOutputLength: rawBytes,
      ...(dictionary === undefined ? {} : { dictionary }),
      params: { [constants.ZSTD_d_windowLogMax]: windowLogMax },
    });
  } catch (cause) {
    throw refuse(`its payload does not decompress to ${rawBytes} bytes`, cause);
  }
  if (raw.byteLength !== rawBytes) throw refuse(`its payload decompresses to fewer than ${rawBytes} bytes`);
  return raw;
}
