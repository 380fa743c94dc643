/** The portable kernel against the native addon: two implementations that share no code. */
import * as fc from 'fast-check';
import t from 'tap';
import { KiB, MiB } from '../../src/base/units.ts';
import { loadNativeBlake3 } from '../../src/chunking/native-blake3.ts';
import { portableBlake3 } from '../../src/chunking/portable-blake3.ts';
import { seededBytes } from '../vectors/seeded-bytes.ts';

const SEED = 20_200_109;
const native = await loadNativeBlake3();
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

void t.test('the native addon loads here', (t) => {
  t.not(native, undefined);
  t.end();
});

void t.test('the kernel gives the native digests of any input, wherever it stands', (t) => {
  // Every number of leaves up to 40 and every length of a last leaf: trees of all shapes; and the largest that it takes, and beyond.
  const lengths = fc.oneof(fc.nat({ max: 40 * KiB }), fc.nat({ max: 2100 }), fc.nat({ max: 41 }).map((leaves) => leaves * KiB), fc.integer({ min: 1 * MiB - 5 * KiB, max: 1 * MiB + 5 * KiB }));
  const file = seededBytes(SEED, 2 * MiB);
  fc.assert(
    fc.property(lengths, fc.nat({ max: 1000 }), (length, start) => {
      const bytes = file.subarray(start, start + length);
      t.equal(hex(portableBlake3(bytes)), hex(native?.(bytes) ?? new Uint8Array(0)), `${length} bytes`);
    }),
    { seed: SEED, numRuns: 400 },
  );
  t.end();
});

void t.test('every number of leaves, one byte less and one more', (t) => {
  const file = seededBytes(SEED + 1, 131 * KiB);
  const wrong: number[] = [];
  for (let leaves = 1; leaves <= 130; leaves += 1) {
    for (const length of [leaves * KiB - 1, leaves * KiB, leaves * KiB + 1]) {
      const bytes = file.subarray(0, length);
      if (hex(portableBlake3(bytes)) !== hex(native?.(bytes) ?? new Uint8Array(0))) wrong.push(length);
    }
  }
  t.same(wrong, []);
  t.end();
});
