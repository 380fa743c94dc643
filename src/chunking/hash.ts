/** BLAKE3-256 of bytes that are in memory: native where the platform has it, portable otherwise; the same digests either way. */
import { digestFromBytes, type Digest } from './digest.ts';
import { loadNativeBlake3 } from './native-blake3.ts';
import { wasmBlake3 } from './wasm-blake3.ts';

/** Measured: up to here the call into the addon takes longer than the portable hash. */
const SHORT_BYTES = 1024;

/** `BRANCHCAST_NATIVE=0` forces the portable implementation. */
const native = process.env['BRANCHCAST_NATIVE'] === '0' ? undefined : await loadNativeBlake3();

/** What this process uses. */
export const hashImplementation: 'native' | 'wasm' = native === undefined ? 'wasm' : 'native';

/** The 32 bytes, in an array of its own. */
export const hashBytes: (bytes: Uint8Array) => Uint8Array =
  // Loaded only where it is needed: its package has every hash that there is.
  native === undefined ? (await import('./portable-blake3.ts')).portableBlake3 : (bytes) => (bytes.length > SHORT_BYTES ? native(bytes) : wasmBlake3(bytes));

export function hash(bytes: Uint8Array): Digest {
  return digestFromBytes(hashBytes(bytes));
}
