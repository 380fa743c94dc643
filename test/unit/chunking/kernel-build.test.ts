import { readFileSync } from 'node:fs';
import t from 'tap';
import { compileKernel, KERNELS } from '../../../scripts/kernel-compiler.ts';

void t.test('the committed kernels are what their sources compile to', async (t) => {
  for (const kernel of KERNELS) {
    t.equal(await compileKernel(kernel), readFileSync(kernel.generated, 'utf8'), `${kernel.source}: run npm run build:kernel`);
  }
});

void t.test('a source that does not compile says why', async (t) => {
  const dir = t.testdir({ 'wrong.ts': 'export function f(): i32 { return missing; }' });
  await t.rejects(compileKernel({ source: `${dir}/wrong.ts`, generated: '', constant: 'wrong' }), /missing/);
});
