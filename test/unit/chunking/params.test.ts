import t from 'tap';
import { hasCode } from '../../../src/base/errors.ts';
import { CHUNK_BYTES_MAX } from '../../../src/base/limits/frames.ts';
import { createCutKernel } from '../../../src/chunking/cut-kernel.ts';
import { DEFAULT_CHUNKER_PARAMS, type ChunkerParams } from '../../../src/chunking/params.ts';

const WRONG: readonly (readonly [keyof ChunkerParams, unknown])[] = [
  ['algorithm', 'gear64-2'],
  ['algorithm', undefined],
  ['minBytes', 63],
  ['minBytes', -16384],
  ['minBytes', 100.5],
  ['minBytes', Number.NaN],
  ['minBytes', '16384'],
  ['minBytes', 64 * 1024],
  ['avgBytes', 65_535],
  ['avgBytes', 16 * 1024],
  ['avgBytes', 2 ** 53],
  ['avgBytes', Number.POSITIVE_INFINITY],
  ['maxBytes', 64 * 1024],
  ['maxBytes', CHUNK_BYTES_MAX + 1],
  ['maxBytes', 2 ** 32 + 256 * 1024],
  ['maxBytes', undefined],
  ['smallFileBytesMax', -1],
  ['smallFileBytesMax', 256 * 1024 + 1],
  ['smallFileBytesMax', null],
];

void t.test('parameters out of bounds are refused by name', (t) => {
  for (const [name, value] of WRONG) {
    const thrown = thrownBy(() => createCutKernel({ ...DEFAULT_CHUNKER_PARAMS, [name]: value }));
    t.ok(hasCode(thrown, 'BC_CONFIG_INVALID') && thrown.message.includes(String(value)), `${name} ${String(value)}: ${String(thrown)}`);
  }
  t.end();
});

void t.test('the ends of the range are taken', (t) => {
  const kernel = createCutKernel({ algorithm: 'gear64-1', minBytes: 64, avgBytes: 128, maxBytes: 129, smallFileBytesMax: 0 });
  t.equal(kernel.nextCut(0, 64, true), 64);
  const largest = createCutKernel({ algorithm: 'gear64-1', minBytes: 2 ** 19 - 1, avgBytes: 2 ** 19, maxBytes: CHUNK_BYTES_MAX, smallFileBytesMax: CHUNK_BYTES_MAX });
  t.ok(largest.nextCut(0, CHUNK_BYTES_MAX, false) > 2 ** 19 - 1);
  t.end();
});

function thrownBy(call: () => unknown): unknown {
  try {
    call();
  } catch (error) {
    return error;
  }
  return undefined;
}
