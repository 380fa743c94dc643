/**
 * BLAKE3 in portable WebAssembly: the same digests as the native addon, on any platform. Inputs up to INPUT_BYTES_MAX, which all
 * chunks and nodes are, by the kernel of kernel/blake3.ts at 1.8 times the speed of hash-wasm; larger ones by hash-wasm, which streams.
 */
import { createBLAKE3 } from 'hash-wasm';
import { blake3Wasm } from './blake3.wasm.gen.ts';
import { DIGEST_BYTES } from './digest.ts';

interface KernelExports {
  readonly memory: WebAssembly.Memory;
  readonly INPUT: WebAssembly.Global;
  readonly INPUT_BYTES_MAX: WebAssembly.Global;
  readonly OUTPUT: WebAssembly.Global;
  hash(bytes: number): void;
}

const PAGE_BYTES = 65_536;
const streaming = await createBLAKE3();
const kernel = new WebAssembly.Instance(new WebAssembly.Module(Buffer.from(blake3Wasm, 'base64'))).exports as unknown as KernelExports;
const inputBytesMax = kernel.INPUT_BYTES_MAX.value;
kernel.memory.grow(Math.ceil((kernel.INPUT.value + inputBytesMax - kernel.memory.buffer.byteLength) / PAGE_BYTES));
const input = new Uint8Array(kernel.memory.buffer, kernel.INPUT.value, inputBytesMax);
const output = new Uint8Array(kernel.memory.buffer, kernel.OUTPUT.value, DIGEST_BYTES);

/** Every call answers an array of its own. */
export function wasmBlake3(bytes: Uint8Array): Uint8Array {
  if (bytes.length > inputBytesMax) return streaming.init().update(bytes).digest('binary');
  input.set(bytes);
  kernel.hash(bytes.length);
  return output.slice();
}
