/** Cut points by the WASM kernel of kernel/cut.ts. docs/formats.md, "Chunking: gear64-1", says what it computes. */
import { CUT_BUFFER_BYTES } from '../base/limits/frames.ts';
import { KiB } from '../base/units.ts';
import { checkChunkerParams } from './check-params.ts';
import { cutKernelWasm } from './cut-kernel.wasm.gen.ts';
import { gearTable } from './gear-table.ts';
import type { ChunkerParams } from './params.ts';

/** Offsets are into `buffer`, with 0 <= start <= end <= buffer.length. Calls keep no state. */
export interface CutKernel {
  /** The kernel's own memory, CUT_BUFFER_BYTES: callers read files straight into it. Never moves. */
  readonly buffer: Uint8Array;
  /**
   * Length of the chunk that starts at `start`, of the bytes up to `end`; `isLast` says that the file ends there. 0 if more bytes are
   * needed, which is when fewer than maxBytes are there and they are not the last; or if there are none.
   */
  nextCut(start: number, end: number, isLast: boolean): number;
  /** Whether the small file that stands at [start, end) is a hit: one after which a bundle may end. */
  hits(start: number, end: number): boolean;
}

interface KernelExports {
  readonly memory: WebAssembly.Memory;
  configure(minBytes: number, avgBytes: number, maxBytes: number, maskSmall: bigint, maskLarge: bigint, maskBundle: bigint): void;
  nextCut(start: number, end: number): number;
  hits(start: number, end: number): number;
}

const PAGE_BYTES = 64 * KiB;
/** The first page holds the gear table. */
const BUFFER_ADDRESS = PAGE_BYTES;

/**
 * Compiled once for the process: all kernels share the code that V8 has optimised by then. That takes the first one or two MiB, since
 * each chunk is a call of its own (V8 does not replace the code of a WASM function in the middle of a call).
 */
const module = new WebAssembly.Module(Buffer.from(cutKernelWasm, 'base64'));

/**
 * A kernel with memory of its own (about CUT_BUFFER_BYTES). Throws BC_CONFIG_INVALID for parameters outside the format's
 * bounds, which may come from a stranger's descriptor.
 */
export function createCutKernel(params: ChunkerParams): CutKernel {
  checkChunkerParams(params);
  const { minBytes, avgBytes, maxBytes } = params;
  const kernel = new WebAssembly.Instance(module).exports as unknown as KernelExports;
  kernel.memory.grow((BUFFER_ADDRESS + CUT_BUFFER_BYTES - kernel.memory.buffer.byteLength) / PAGE_BYTES);
  new Uint8Array(kernel.memory.buffer).set(gearTable);
  const bits = Math.log2(avgBytes);
  kernel.configure(minBytes, avgBytes, maxBytes, topBits(bits + 2), topBits(bits - 2), topBits(bits));
  return {
    buffer: new Uint8Array(kernel.memory.buffer, BUFFER_ADDRESS, CUT_BUFFER_BYTES),
    nextCut: (start, end, isLast) => (isLast || end - start >= maxBytes ? kernel.nextCut(BUFFER_ADDRESS + start, BUFFER_ADDRESS + end) : 0),
    hits: (start, end) => kernel.hits(BUFFER_ADDRESS + start, BUFFER_ADDRESS + end) !== 0,
  };
}

/** A 64-bit mask with the top `count` bits set: the bits into which the whole window has been mixed. */
function topBits(count: number): bigint {
  return BigInt.asUintN(64, -1n << BigInt(64 - count));
}
