/** BLAKE3 in portable WebAssembly: the same digests as the native addon, on any platform. */
import { createBLAKE3 } from 'hash-wasm';

const hasher = await createBLAKE3();

/** Every call answers an array of its own. */
export function wasmBlake3(bytes: Uint8Array): Uint8Array {
  return hasher.init().update(bytes).digest('binary');
}
