/** Compiles the AssemblyScript kernels, and makes the gear table, into the generated files that the sources import, so that running them needs neither compiler nor seed. */
import { writeFileSync } from 'node:fs';
import { GEAR_TABLE_FILE, gearTableText } from './gear-table-text.ts';
import { compileKernel, KERNELS } from './kernel-compiler.ts';

for (const kernel of KERNELS) {
  const text = await compileKernel(kernel);
  writeFileSync(kernel.generated, text);
  process.stdout.write(`${kernel.source} -> ${kernel.generated}, ${text.length} characters\n`);
}
writeFileSync(GEAR_TABLE_FILE, await gearTableText());
process.stdout.write(`${GEAR_TABLE_FILE}\n`);
