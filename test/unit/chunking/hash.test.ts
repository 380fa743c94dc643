import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import t from 'tap';
import { hash, hashBytes, hashImplementation } from '../../../src/chunking/hash.ts';
import { loadNativeBlake3 } from '../../../src/chunking/native-blake3.ts';
import { portableBlake3 } from '../../../src/chunking/portable-blake3.ts';
import { repeatedBytes } from '../../vectors/seeded-bytes.ts';

interface Blake3Vectors {
  readonly cases: readonly { readonly inputBytes: number; readonly output: string }[];
}

const vectors = JSON.parse(readFileSync(new URL('../../vectors/blake3.json', import.meta.url), 'utf8')) as Blake3Vectors;
const cycle = Uint8Array.from({ length: 251 }, (_, index) => index);
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

void t.test('every implementation gives the official digests', async (t) => {
  const native = await loadNativeBlake3();
  if (native === undefined) return t.fail('the native addon does not load on this platform');
  t.equal(vectors.cases.length, 35);
  for (const [name, blake3] of Object.entries({ native, wasm: portableBlake3, chosen: hashBytes })) {
    for (const { inputBytes, output } of vectors.cases) {
      t.equal(hex(blake3(repeatedBytes(cycle, inputBytes))), output.slice(0, 64), `${name}, ${inputBytes} bytes`);
    }
  }
  return undefined;
});

void t.test('a digest is text, of just the bytes of the view', (t) => {
  const file = repeatedBytes(cycle, 251 * 3);
  t.equal(hash(file.subarray(251, 251 + 64)), vectors.cases.find((each) => each.inputBytes === 64)?.output.slice(0, 64));
  t.end();
});

void t.test('an answer is not overwritten by the next call', (t) => {
  for (const blake3 of [hashBytes, portableBlake3]) {
    const first = blake3(cycle.subarray(0, 1));
    const before = hex(first);
    blake3(cycle.subarray(0, 2));
    t.equal(hex(first), before);
  }
  t.end();
});

void t.test('BRANCHCAST_NATIVE=0 takes the portable implementation', (t) => {
  const code = `import { hash, hashImplementation } from ${JSON.stringify(new URL('../../../src/chunking/hash.ts', import.meta.url).href)};
    console.log(hashImplementation, hash(new Uint8Array(0)));`;
  const { stdout } = spawnSync(process.execPath, ['--input-type=module', '--eval', code], { encoding: 'utf8', env: { ...process.env, BRANCHCAST_NATIVE: '0' } });
  t.equal(stdout.trim(), `wasm ${vectors.cases[0]?.output.slice(0, 64)}`);
  t.equal(hashImplementation, process.env['BRANCHCAST_NATIVE'] === '0' ? 'wasm' : 'native');
  t.end();
});
