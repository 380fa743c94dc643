import * as fc from 'fast-check';
import t from 'tap';
import { REQUEST_DIGESTS_MAX } from '../../../src/base/limits/wan.ts';
import type { Digest } from '../../../src/chunking/digest.ts';
import { decodeBitmap, decodeDigests, encodeBitmap, encodeDigests } from '../../../src/wan/digest-list.ts';

const digest = (n: number): Digest => n.toString(16).padStart(64, '0') as Digest;

void t.test('digests there and back', async (t) => {
  const digests = [digest(1), digest(0xabcdef), digest(0)];
  t.same(decodeDigests(encodeDigests(digests)), digests);
  t.same(decodeDigests(new Uint8Array(0)), []);
  t.throws(() => decodeDigests(new Uint8Array(33)), { code: 'BC_USAGE' });
  t.throws(() => decodeDigests(new Uint8Array((REQUEST_DIGESTS_MAX + 1) * 32)), { code: 'BC_LIMIT_EXCEEDED' });
});

void t.test('bitmaps are least significant bit first', async (t) => {
  t.same([...encodeBitmap([true, false, false, false, false, false, false, false, false, true])], [0x01, 0x02]);
  t.throws(() => decodeBitmap(new Uint8Array(2), 8), { code: 'BC_PROTOCOL' });
  fc.assert(fc.property(fc.array(fc.boolean(), { maxLength: 100 }), (bits) => t.same(decodeBitmap(encodeBitmap(bits), bits.length), bits)), { seed: 1, numRuns: 50 });
});
