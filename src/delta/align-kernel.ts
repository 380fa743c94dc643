/** New bytes held against old ones, by the WASM kernel of kernel/align.ts. docs/formats.md, "Differences", says what comes out. */
import { DELTA_BASE_BYTES_MAX, DELTA_RAW_BYTES_MAX, DIFFERENCES_SPARE_BYTES } from '../base/limits/deltas.ts';
import { KiB } from '../base/units.ts';
import { alignKernelWasm } from './align-kernel.wasm.gen.ts';

/** What makes the new bytes of the old ones: views of the kernel's memory, valid until its next call. */
export interface Differences {
  readonly control: Uint8Array;
  readonly gaps: Uint8Array;
  readonly changes: Uint8Array;
  readonly extra: Uint8Array;
}

interface KernelExports {
  readonly memory: WebAssembly.Memory;
  readonly controlEnd: WebAssembly.Global;
  readonly gapsEnd: WebAssembly.Global;
  readonly changesEnd: WebAssembly.Global;
  readonly extraEnd: WebAssembly.Global;
  align(base: number, baseEnd: number, fresh: number, freshEnd: number, table: number, tableBits: number, control: number, gaps: number, changes: number, extra: number): void;
}

const PAGE_BYTES = 64 * KiB;
/** A number for every eighth old byte: two million bytes fill this. */
const OLD_BYTES_PER_SLOT = 8;
const TABLE_BITS_MAX = 18;
const TABLE_BITS_MIN = 8;
const OUTPUT_BYTES = DELTA_RAW_BYTES_MAX + DIFFERENCES_SPARE_BYTES;
/** The first page is the module's own. */
const TABLE = PAGE_BYTES;
const BASE = TABLE + 4 * 2 ** TABLE_BITS_MAX;
const FRESH = BASE + DELTA_BASE_BYTES_MAX;
const CONTROL = FRESH + DELTA_RAW_BYTES_MAX;
const GAPS = CONTROL + OUTPUT_BYTES;
const CHANGES = GAPS + OUTPUT_BYTES;
const EXTRA = CHANGES + OUTPUT_BYTES;
const MEMORY_BYTES = EXTRA + OUTPUT_BYTES;

/** Made by whoever aligns first: few processes do. */
let kernel: KernelExports | undefined;

/** `base` is at most DELTA_BASE_BYTES_MAX long, `fresh` at most DELTA_RAW_BYTES_MAX. */
export function align(base: Uint8Array, fresh: Uint8Array): Differences {
  kernel ??= createKernel();
  const { memory } = kernel;
  const bytes = new Uint8Array(memory.buffer);
  bytes.set(base, BASE);
  bytes.set(fresh, FRESH);
  const tableBits = Math.min(TABLE_BITS_MAX, Math.max(TABLE_BITS_MIN, Math.ceil(Math.log2(base.byteLength / OLD_BYTES_PER_SLOT + 1))));
  kernel.align(BASE, BASE + base.byteLength, FRESH, FRESH + fresh.byteLength, TABLE, tableBits, CONTROL, GAPS, CHANGES, EXTRA);
  return {
    control: bytes.subarray(CONTROL, kernel.controlEnd.value),
    gaps: bytes.subarray(GAPS, kernel.gapsEnd.value),
    changes: bytes.subarray(CHANGES, kernel.changesEnd.value),
    extra: bytes.subarray(EXTRA, kernel.extraEnd.value),
  };
}

function createKernel(): KernelExports {
  const created = new WebAssembly.Instance(new WebAssembly.Module(Buffer.from(alignKernelWasm, 'base64'))).exports as unknown as KernelExports;
  created.memory.grow(Math.ceil((MEMORY_BYTES - created.memory.buffer.byteLength) / PAGE_BYTES));
  return created;
}
