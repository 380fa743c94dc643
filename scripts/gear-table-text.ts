/**
 * The text of the generated file with the gear table (docs/formats.md, "Chunking: gear64-1"). It is made, from BLAKE3's extendable output over a written seed, so that anyone can see that nothing is hidden
 * in it; and it is pasted, so that no program makes it again at every start.
 */
import { createBLAKE3 } from 'hash-wasm';
import { generatedText } from './kernel-compiler.ts';

const GEAR_TABLE_BYTES = 256 * 8;
const GEAR_SEED = 'branchcast gear64-1';

export const GEAR_TABLE_FILE = 'src/chunking/gear-table.gen.ts';

export async function gearTableText(): Promise<string> {
  const hasher = await createBLAKE3(GEAR_TABLE_BYTES * 8);
  return generatedText(`from the seed "${GEAR_SEED}": the gear table's ${GEAR_TABLE_BYTES} bytes`, 'gearTableBytes', hasher.init().update(GEAR_SEED).digest('binary'));
}
