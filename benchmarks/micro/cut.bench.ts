/** Cut points and digests in memory, on one core: judged by CPU seconds, which other work on the machine disturbs less. */
import { createBLAKE3 } from 'hash-wasm';
import { readFileSync } from 'node:fs';
import { MiB } from '../../src/base/units.ts';
import { cutFile } from '../../src/chunking/cut-file.ts';
import { createCutKernel } from '../../src/chunking/cut-kernel.ts';
import { loadNativeBlake3 } from '../../src/chunking/native-blake3.ts';
import { DEFAULT_CHUNKER_PARAMS } from '../../src/chunking/params.ts';
import { portableBlake3 } from '../../src/chunking/portable-blake3.ts';
import { reader } from '../../test/vectors/cut-whole.ts';
import { repeatedBytes, seededBytes } from '../../test/vectors/seeded-bytes.ts';
import type { BenchContext, Benchmark, Contender, Size } from '../runner/benchmark.ts';
import { withSpeed } from './with-speed.ts';

type Blake3 = (bytes: Uint8Array) => Uint8Array;

const INPUT_BYTES: Readonly<Record<Size, number>> = { small: 32 * MiB, full: 256 * MiB };
const ROUNDS = 5;
const REAL_DATA = 'real data: the node binary, from its start again and again';

export const benchmark: Benchmark = {
  name: 'cut',
  question: 'How fast are cut points and digests on one core, and how much faster than hash-wasm is the path without a native addon?',
  bounds: [
    { what: 'cut points, one core, real data', value: { table: REAL_DATA, row: 'cut', metric: 'mbPerCpuSecond' }, atLeast: [2500] },
    { what: 'portable path beside the hash-wasm path', value: { table: REAL_DATA, row: 'cut + hash, portable', metric: 'mbPerCpuSecond' }, atLeast: [{ times: 1.5, table: REAL_DATA, row: 'cut + hash, hash-wasm', metric: 'mbPerCpuSecond' }] },
  ],
  async run(context) {
    const streaming = await createBLAKE3();
    const hashWasm: Blake3 = (bytes) => streaming.init().update(bytes).digest('binary');
    const native = await loadNativeBlake3();
    const bytes = INPUT_BYTES[context.size];
    for (const [title, input] of [[REAL_DATA, repeatedBytes(readFileSync(process.execPath), bytes)], ['random bytes', seededBytes(1, bytes)]] as const) {
      await context.table(title, contenders(context, input, hashWasm, native), { rounds: ROUNDS, warmUps: 1, ratioOf: 'mbPerCpuSecond' });
    }
  },
};

function contenders(context: BenchContext, input: Uint8Array, hashWasm: Blake3, native: Blake3 | undefined): Contender[] {
  const kernel = createCutKernel(DEFAULT_CHUNKER_PARAMS);
  const lengths = cutFile(kernel, reader(input)).map((chunk) => chunk.length).toArray();
  const hashAll = (blake3: Blake3) => (): void => {
    let start = 0;
    for (const length of lengths) blake3(input.subarray(start, (start += length)));
  };
  const cutAll = (use: (chunk: Uint8Array) => unknown) => (): void => {
    for (const chunk of cutFile(kernel, reader(input))) use(chunk);
  };
  const copyAll = (): void => {
    for (let offset = 0; offset < input.length; offset += kernel.buffer.length) kernel.buffer.set(input.subarray(offset, offset + kernel.buffer.length));
  };
  const row = (name: string, role: 'product' | 'reference', work: () => void): Contender => ({
    name,
    role,
    run: async () => withSpeed(await context.measure(work), input.length),
  });
  return [
    row('cut', 'product', cutAll(() => undefined)),
    row('cut + hash, portable', 'product', cutAll(portableBlake3)),
    ...(native === undefined ? [] : [row('cut + hash, native', 'product', cutAll(native))]),
    row('copy into the kernel', 'reference', copyAll),
    row('hash, portable', 'reference', hashAll(portableBlake3)),
    row('hash, hash-wasm', 'reference', hashAll(hashWasm)),
    row('cut + hash, hash-wasm', 'reference', cutAll(hashWasm)),
    ...(native === undefined ? [] : [row('hash, native', 'reference', hashAll(native))]),
  ];
}
