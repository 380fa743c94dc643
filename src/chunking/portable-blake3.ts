/** BLAKE3 in portable WebAssembly: the same digests as the native addon, on any platform. What is too long for the kernel goes through hash-wasm, which streams. */
import { createBLAKE3 } from 'hash-wasm';
import { WASM_INPUT_BYTES_MAX, wasmBlake3 } from './wasm-blake3.ts';

const streaming = await createBLAKE3();

/** Every call answers an array of its own. */
export function portableBlake3(bytes: Uint8Array): Uint8Array {
  return bytes.length > WASM_INPUT_BYTES_MAX ? streaming.init().update(bytes).digest('binary') : wasmBlake3(bytes);
}
