import t from 'tap';
import { parseByteRange } from '../../../src/core/byte-range.ts';

const part = (startBytes: number, endBytes: number): object => ({ kind: 'part', startBytes, endBytes });

void t.test('RFC 9110, section 14.1.2', async (t) => {
  t.same(parseByteRange(undefined, 100), { kind: 'whole' });
  t.same(parseByteRange('bytes=0-9', 100), part(0, 10));
  t.same(parseByteRange('bytes=10-', 100), part(10, 100));
  t.same(parseByteRange('bytes=-30', 100), part(70, 100));
  t.same(parseByteRange('bytes=-300', 100), part(0, 100));
  t.same(parseByteRange('bytes=90-300', 100), part(90, 100));
  t.same(parseByteRange('Bytes=1-1', 100), part(1, 2));
  t.same(parseByteRange('lines=1-2', 100), { kind: 'whole' }, 'an unknown unit is ignored');
});

void t.test('what cannot be satisfied', async (t) => {
  for (const header of ['bytes=', 'bytes=-', 'bytes=100-', 'bytes=100-200', 'bytes=5-4', 'bytes=-0', 'bytes=0-1,5-6', 'bytes=a-b', 'bytes=1e3-', 'bytes=99999999999999999-']) {
    t.same(parseByteRange(header, 100), { kind: 'unsatisfiable' }, header);
  }
  t.same(parseByteRange('bytes=0-', 0), { kind: 'unsatisfiable' });
});
