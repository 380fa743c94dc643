/**
 * The gear table of docs/formats.md, "Chunking: gear64-1": 256 unsigned 64-bit numbers, little-endian, from BLAKE3's
 * extendable output over a written seed. Made, not pasted, so that anyone can see that nothing is hidden in it.
 */
import { createBLAKE3 } from 'hash-wasm';

const GEAR_TABLE_BYTES = 256 * 8;
const GEAR_SEED = 'branchcast gear64-1';

const hasher = await createBLAKE3(GEAR_TABLE_BYTES * 8);

/** Not to be written to. */
export const gearTable: Uint8Array = hasher.init().update(GEAR_SEED).digest('binary');
