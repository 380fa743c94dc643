import t from 'tap';
import { copyBytes } from '../../../src/base/copy-bytes.ts';

const LENGTHS = [0, 1, 2, 7, 8, 9, 4096, 70_001];
const MEMORY = { plain: (bytes: number) => new Uint8Array(bytes), shared: (bytes: number) => new Uint8Array(new SharedArrayBuffer(bytes)), view: (bytes: number) => new Uint8Array(new ArrayBuffer(bytes + 3), 3) };

for (const [from, source] of Object.entries(MEMORY)) {
  for (const [to, target] of Object.entries(MEMORY)) {
    void t.test(`from ${from} to ${to} memory: what is copied, and nothing beside it`, async (t) => {
      for (const length of LENGTHS) {
        const bytes = source(length).map((_, at) => (at * 7 + 1) % 251);
        const original = source(length);
        original.set(bytes);
        const into = target(length + 10).fill(255);
        copyBytes(original, into, 5);
        t.same(Buffer.from(into.subarray(5, 5 + length)), Buffer.from(bytes));
        t.ok(into.subarray(0, 5).every((byte) => byte === 255) && into.subarray(5 + length).every((byte) => byte === 255));
      }
      t.throws(() => copyBytes(source(8), target(10), 3), RangeError);
    });
  }
}

void t.test('runs that overlap', async (t) => {
  for (const shift of [1, 3, 104]) {
    const memory = MEMORY.shared(5000).map((_, at) => at % 251);
    const wanted = Buffer.from(memory.subarray(0, 4000));
    copyBytes(memory.subarray(0, 4000), memory, shift);
    t.same(Buffer.from(memory.subarray(shift, 4000 + shift)), wanted);
  }
});
