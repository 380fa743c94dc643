/** Lists of digests as request bodies, 32 bytes each, and bitmaps over them, bit i least significant first. */
import { BranchcastError } from '../base/errors.ts';
import { REQUEST_DIGESTS_MAX } from '../base/limits/wan.ts';
import { DIGEST_BYTES, digestFromBytes, type Digest } from '../chunking/digest.ts';

export const DIGEST_LIST_BYTES_MAX = REQUEST_DIGESTS_MAX * DIGEST_BYTES;

export function encodeDigests(digests: readonly Digest[]): Uint8Array {
  const out = Buffer.allocUnsafe(digests.length * DIGEST_BYTES);
  digests.forEach((digest, index) => out.write(digest, index * DIGEST_BYTES, 'hex'));
  return out;
}

/** Throws BC_USAGE: the caller sent it. */
export function decodeDigests(bytes: Uint8Array): Digest[] {
  if (bytes.byteLength % DIGEST_BYTES !== 0) throw new BranchcastError('BC_USAGE', `a list of digests is a multiple of ${DIGEST_BYTES} bytes, not ${bytes.byteLength}`);
  const count = bytes.byteLength / DIGEST_BYTES;
  if (count > REQUEST_DIGESTS_MAX) throw new BranchcastError('BC_LIMIT_EXCEEDED', `${count} digests in one request; at most ${REQUEST_DIGESTS_MAX}`);
  return Array.from({ length: count }, (_, index) => digestFromBytes(bytes, index * DIGEST_BYTES));
}

export function encodeBitmap(bits: readonly boolean[]): Uint8Array {
  const out = new Uint8Array(Math.ceil(bits.length / 8));
  bits.forEach((bit, index) => {
    if (bit) out[index >> 3] = (out[index >> 3] ?? 0) | (1 << (index & 7));
  });
  return out;
}

/** Throws BC_PROTOCOL if the bitmap is not one over `count` things. */
export function decodeBitmap(bytes: Uint8Array, count: number): boolean[] {
  if (bytes.byteLength !== Math.ceil(count / 8)) throw new BranchcastError('BC_PROTOCOL', `a bitmap over ${count} digests has ${Math.ceil(count / 8)} bytes, not ${bytes.byteLength}`);
  return Array.from({ length: count }, (_, index) => ((bytes[index >> 3] ?? 0) & (1 << (index & 7))) !== 0);
}
