/** BLAKE3 by the kernel of kernel/blake3.ts, portable WebAssembly at 1.8 times the speed of hash-wasm: of inputs that fit into its memory, which all chunks and nodes do. */
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
const kernel = new WebAssembly.Instance(new WebAssembly.Module(Buffer.from(blake3Wasm, 'base64'))).exports as unknown as KernelExports;

/** Longest input. */
export const WASM_INPUT_BYTES_MAX: number = kernel.INPUT_BYTES_MAX.value;

kernel.memory.grow(Math.ceil((kernel.INPUT.value + WASM_INPUT_BYTES_MAX - kernel.memory.buffer.byteLength) / PAGE_BYTES));
const input = new Uint8Array(kernel.memory.buffer, kernel.INPUT.value, WASM_INPUT_BYTES_MAX);
const output = new Uint8Array(kernel.memory.buffer, kernel.OUTPUT.value, DIGEST_BYTES);

/** Of up to WASM_INPUT_BYTES_MAX. Every call answers an array of its own. */
export function wasmBlake3(bytes: Uint8Array): Uint8Array {
  input.set(bytes);
  kernel.hash(bytes.length);
  return output.slice();
}
