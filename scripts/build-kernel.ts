/** Compiles the AssemblyScript kernels into the generated files that the sources import, so that running them needs no compiler. */
import { writeFileSync } from 'node:fs';
import { compileKernel, KERNELS } from './kernel-compiler.ts';

for (const kernel of KERNELS) {
  const text = await compileKernel(kernel);
  writeFileSync(kernel.generated, text);
  process.stdout.write(`${kernel.source} -> ${kernel.generated}, ${text.length} characters\n`);
}
