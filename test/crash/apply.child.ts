/**
 * Applies the layer LAYER of the directory WORK to WORK/target, and kills itself with SIGKILL at the STEP-th call on the file
 * system (never, if there are fewer). Writes the digest of each chunk that it has written to WORK/written, 64 characters each.
 */
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { join } from 'node:path';

const [work = '', layer = '', before = '', step = ''] = process.argv.slice(2);
const CALLS = ['openSync', 'writeSync', 'linkSync', 'renameSync', 'unlinkSync', 'rmSync', 'mkdirSync', 'rmdirSync', 'fsyncSync', 'chmodSync', 'symlinkSync', 'lchownSync', 'closeSync'] as const;
const append = fs.writeSync;
const written = fs.openSync(join(work, 'written'), 'a');
let calls = 0;

// Each call of the product's own code counts as a step, half of them die before it and half after it.
for (const name of CALLS) {
  const real = fs[name] as (...parameters: unknown[]) => unknown;
  Object.assign(fs, {
    [name]: (...parameters: unknown[]): unknown => {
      calls += 1;
      const isLast = calls === Number(step);
      if (isLast && calls % 2 === 0) process.kill(process.pid, 'SIGKILL');
      const result = real(...parameters);
      if (isLast) process.kill(process.pid, 'SIGKILL');
      return result;
    },
  });
}
syncBuiltinESMExports();

const { openTarget } = await import('../../src/image/target.ts');
const { Manifest } = await import('../../src/manifest/read.ts');
const { parseDigest } = await import('../../src/chunking/digest.ts');

const block = (digest: string): Uint8Array => fs.readFileSync(join(work, 'blocks', digest));
const manifest = (hex: string): InstanceType<typeof Manifest> => {
  const root = parseDigest(hex);
  if (root === undefined) throw new Error(`${hex} is no digest`);
  return new Manifest(root, (digest) => Promise.resolve(block(digest)));
};

calls = 0;
const target = await openTarget(join(work, 'target'));
const current = target.current()?.root;
const staging = await target.stage(manifest(layer), current === undefined ? undefined : manifest(current));
if (staging !== undefined) {
  await staging.seed();
  for (const { digest } of staging.wanted()) {
    await staging.writeAll([{ digest, bytes: block(digest) }]);
    append(written, digest);
  }
  await staging.switch({ layer: `crash/layer@${before}`, descriptor: manifest(layer).root });
}
await target.close();
process.stdout.write(String(calls));
