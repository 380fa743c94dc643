import t from 'tap';
import { CUT_BUFFER_BYTES } from '../../../src/base/limits/frames.ts';
import { cutFile } from '../../../src/chunking/cut-file.ts';
import { createCutKernel } from '../../../src/chunking/cut-kernel.ts';
import { DEFAULT_CHUNKER_PARAMS } from '../../../src/chunking/params.ts';
import { seededBytes } from '../../vectors/seeded-bytes.ts';

const { minBytes, maxBytes } = DEFAULT_CHUNKER_PARAMS;

void t.test('asks for more bytes unless the largest chunk is there or the file ends', (t) => {
  const kernel = createCutKernel(DEFAULT_CHUNKER_PARAMS);
  t.equal(kernel.buffer.length, CUT_BUFFER_BYTES);
  kernel.buffer.set(seededBytes(1, CUT_BUFFER_BYTES));
  t.equal(kernel.nextCut(0, 0, false), 0);
  t.equal(kernel.nextCut(0, 0, true), 0);
  t.equal(kernel.nextCut(10, 10 + maxBytes - 1, false), 0);
  t.equal(kernel.nextCut(10, 10 + maxBytes, false), kernel.nextCut(10, CUT_BUFFER_BYTES, true));
  t.equal(kernel.nextCut(0, 1, true), 1);
  t.equal(kernel.nextCut(0, minBytes, true), minBytes);
  t.equal(kernel.nextCut(CUT_BUFFER_BYTES - 5, CUT_BUFFER_BYTES, true), 5);
  t.end();
});

void t.test('kernels do not share memory or parameters', (t) => {
  const one = createCutKernel(DEFAULT_CHUNKER_PARAMS);
  const other = createCutKernel({ ...DEFAULT_CHUNKER_PARAMS, minBytes: 64, avgBytes: 128, maxBytes: 256, smallFileBytesMax: 256 });
  one.buffer.set(seededBytes(2, maxBytes));
  other.buffer.set(seededBytes(3, maxBytes));
  t.same(one.buffer.subarray(0, maxBytes), seededBytes(2, maxBytes));
  t.ok(other.nextCut(0, maxBytes, true) <= 256);
  t.ok(one.nextCut(0, maxBytes, true) > minBytes);
  t.end();
});

void t.test('an empty file has no chunk, and an error of read passes through', (t) => {
  const kernel = createCutKernel(DEFAULT_CHUNKER_PARAMS);
  t.same([...cutFile(kernel, () => 0)], []);
  t.throws(() => [...cutFile(kernel, () => { throw new Error('EIO'); })], /EIO/);
  t.end();
});
