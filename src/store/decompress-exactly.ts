/** Decompression within bounds that were known before: for payloads of which nothing is believed. */
import { brotliDecompressSync, constants, zstdDecompressSync } from 'node:zlib';
import type { BranchcastError } from '../base/errors.ts';

/** zlib refuses a chunkSize below this; and an output that fills its buffer to the last byte costs a second buffer and call. */
const OUTPUT_SPARE_BYTES = 64;

export interface DecompressOptions {
  readonly rawBytes: number;
  /** A payload that asks for a larger window is refused. */
  readonly windowLogMax: number;
  readonly dictionary?: Uint8Array;
}

type Refuse = (why: string, cause?: unknown) => BranchcastError;

/** zstd. Throws what `refuse` makes of a reason, unless the payload decompresses to `rawBytes` bytes: neither more nor fewer. */
export function decompressExactly(payload: Uint8Array, { rawBytes, windowLogMax, dictionary }: DecompressOptions, refuse: Refuse): Uint8Array {
  const params = { [constants.ZSTD_d_windowLogMax]: windowLogMax };
  return exactly(rawBytes, (bounds) => zstdDecompressSync(payload, { ...bounds, ...(dictionary === undefined ? {} : { dictionary }), params }), refuse);
}

/** The same of Brotli (RFC 7932), whose windows are at most 16 MiB. */
export function decompressBrotliExactly(payload: Uint8Array, rawBytes: number, refuse: Refuse): Uint8Array {
  return exactly(rawBytes, (bounds) => brotliDecompressSync(payload, bounds), refuse);
}

function exactly(rawBytes: number, decompress: (bounds: { readonly chunkSize: number; readonly maxOutputLength: number }) => Uint8Array, refuse: Refuse): Uint8Array {
  let raw: Uint8Array;
  try {
    raw = decompress({ chunkSize: rawBytes + OUTPUT_SPARE_BYTES, maxOutputLength: rawBytes });
  } catch (cause) {
    throw refuse(`its payload does not decompress to ${rawBytes} bytes`, cause);
  }
  if (raw.byteLength !== rawBytes) throw refuse(`its payload decompresses to fewer than ${rawBytes} bytes`);
  return raw;
}
