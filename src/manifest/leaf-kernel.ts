/** Leaves read by the WASM kernel of kernel/leaf.ts: a walk, a check or a diff of a large tree does little else. */
import { NODE_BYTES_MAX, NODE_ENTRIES_MAX, PATH_BYTES_MAX } from '../base/limits/manifests.ts';
import { KiB, MiB } from '../base/units.ts';
import { CID_BYTES } from './cbor-reader.ts';
import { ChunkTable } from './chunk-table.ts';
import { KeyColumn } from './key-column.ts';
import { leafKernelWasm } from './leaf-kernel.wasm.gen.ts';
import { PLACES, type LeafParts } from './read-leaf.ts';

interface KernelExports {
  readonly memory: WebAssembly.Memory;
  readLeaf(node: number, from: number, end: number, out: number, chunksMax: number, keyBytesMax: number, slots: number): number;
}

const WORD_BYTES = Uint32Array.BYTES_PER_ELEMENT;
const PAGE_BYTES = 64 * KiB;
const CHUNKS_MAX = Math.floor(NODE_BYTES_MAX / CID_BYTES);
const SLOTS_MAX = 2 ** Math.ceil(Math.log2(2 * CHUNKS_MAX + 1));
/** Keys of a leaf that a builder makes take a tenth of this. One with more is read without the kernel. */
const KEY_BYTES_MAX = 1 * MiB;
/** The first page is the module's own. */
const NODE = PAGE_BYTES;
/** Of a table that is cut off as much may be read beyond the node's end as a whole one would take. */
const SLOTS = NODE + 3 * NODE_BYTES_MAX;
const OUT = SLOTS + SLOTS_MAX * WORD_BYTES;
const HEADER_BYTES = 24;
const MEMORY_BYTES = OUT + HEADER_BYTES + (2 * CHUNKS_MAX + (1 + PLACES) * NODE_ENTRIES_MAX) * WORD_BYTES + KEY_BYTES_MAX + 2 * PATH_BYTES_MAX;

let kernel: { readonly exports: KernelExports; readonly bytes: Uint8Array } | undefined;

/**
 * What follows `[1, 1,` of a leaf, from `position` on: as readLeaf gives it, or undefined for a leaf that it refuses or that holds what is rare (hardlinks, devices, holes, xattrs; keys of
 * more than KEY_BYTES_MAX together). `bytes` is at most NODE_BYTES_MAX long; the parts keep it.
 */
export function readPlainLeaf(bytes: Buffer, position: number): LeafParts | undefined {
  kernel ??= createKernel();
  const { exports, bytes: memory } = kernel;
  memory.set(bytes, NODE);
  const outEnd = exports.readLeaf(NODE, NODE + position, NODE + bytes.byteLength, OUT, CHUNKS_MAX, KEY_BYTES_MAX, SLOTS);
  if (outEnd === 0) return undefined;
  // One piece of memory for all: to allocate costs more than to copy.
  const out = memory.buffer.slice(OUT, outEnd);
  const [chunkCount, entryCount, keyBytes, hasLists] = new Uint32Array(out, 8, 4) as unknown as [number, number, number, number];
  const lengthsAt = HEADER_BYTES + chunkCount * WORD_BYTES;
  const keyEndsAt = lengthsAt + chunkCount * WORD_BYTES;
  const placesAt = keyEndsAt + entryCount * WORD_BYTES;
  const keysAt = placesAt + entryCount * PLACES * WORD_BYTES;
  return {
    entryCount,
    keys: KeyColumn.of(Buffer.from(out, keysAt, keyBytes), new Uint32Array(out, keyEndsAt, entryCount)),
    chunks: new ChunkTable(bytes, new Uint32Array(out, HEADER_BYTES, chunkCount), new Uint32Array(out, lengthsAt, chunkCount)),
    places: new Uint32Array(out, placesAt, entryCount * PLACES),
    logicalBytes: new Float64Array(out, 0, 1)[0] as number,
    hasLists: hasLists !== 0,
  };
}

function createKernel(): NonNullable<typeof kernel> {
  const exports = new WebAssembly.Instance(new WebAssembly.Module(Buffer.from(leafKernelWasm, 'base64'))).exports as unknown as KernelExports;
  exports.memory.grow(Math.ceil((MEMORY_BYTES - exports.memory.buffer.byteLength) / PAGE_BYTES));
  return { exports, bytes: new Uint8Array(exports.memory.buffer) };
}
