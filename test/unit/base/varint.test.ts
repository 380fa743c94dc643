import t from 'tap';
import { fromZigzag, toZigzag, VARINT_BYTES_MAX, VarintReader, writeVarint } from '../../../src/base/varint.ts';

await t.test('numbers come back, each in as few bytes as it takes', async (t) => {
  for (const [number, hex] of [[0, '00'], [0x7f, '7f'], [0x80, '8001'], [300, 'ac02'], [2 ** 32 - 1, 'ffffffff0f']] as const) {
    const bytes = Buffer.alloc(VARINT_BYTES_MAX);
    const written = bytes.subarray(0, writeVarint(bytes, 0, number));
    t.equal(written.toString('hex'), hex);
    const reader = new VarintReader(written);
    t.equal(reader.next(), number);
    t.ok(reader.isAtEnd);
  }
});

await t.test('what ends too early or too late is no number, nor is anything after it', async (t) => {
  for (const hex of ['', '80', 'ffff', '808080808001', '80808080800102']) {
    const reader = new VarintReader(Buffer.from(hex, 'hex'));
    t.ok(Number.isNaN(reader.next()), hex);
    t.ok(Number.isNaN(reader.next()), hex);
  }
});

await t.test('signed numbers are unsigned ones', async (t) => {
  t.same([0, -1, 1, -2, 2, -(2 ** 31)].map(toZigzag), [0, 1, 2, 3, 4, 2 ** 32 - 1]);
  for (const number of [0, -1, 1, 12_345, -12_345, 2 ** 31 - 1, -(2 ** 31)]) t.equal(fromZigzag(toZigzag(number)), number);
});
