import * as fc from 'fast-check';
import t from 'tap';
import { RANGE_BYTES_TARGET, RANGE_GAP_BYTES_MAX } from '../../../src/base/limits/wan.ts';
import type { WantedFrame } from '../../../src/wan/frame-list.ts';
import { planRanges } from '../../../src/wan/range-plan.ts';

function frame(packId: string, offsetBytes: number, storedBytes: number, wantedShare = 1, index = 0): WantedFrame {
  return { packId, offsetBytes, storedBytes, rawBytes: 1000, wantedRawBytes: 1000 * wantedShare, wanted: [index] };
}

void t.test('neighbours share a range', async (t) => {
  const { ranges, alone } = planRanges([frame('a', 16, 100), frame('a', 116, 50), frame('a', 166, 34)]);
  t.same(ranges.map(({ packId, startBytes, endBytes }) => [packId, startBytes, endBytes]), [['a', 16, 200]]);
  t.same(alone, []);
});

void t.test('a gap is bridged up to its bound', async (t) => {
  const near = 116 + RANGE_GAP_BYTES_MAX;
  t.equal(planRanges([frame('a', 16, 100), frame('a', near, 50)]).ranges.length, 1);
  t.equal(planRanges([frame('a', 16, 100), frame('a', near + 1, 50)]).ranges.length, 2);
});

void t.test('packs do not mix, and a range keeps to its target', async (t) => {
  t.equal(planRanges([frame('a', 16, 100), frame('b', 116, 50)]).ranges.length, 2);
  const half = RANGE_BYTES_TARGET / 2;
  t.equal(planRanges([frame('a', 0, half), frame('a', half, half)]).ranges.length, 1);
  t.equal(planRanges([frame('a', 0, half), frame('a', half, half), frame('a', 2 * half, 1)]).ranges.length, 2);
  t.equal(planRanges([frame('a', 0, RANGE_BYTES_TARGET * 2)]).ranges.length, 1, 'a frame larger than the target stands alone');
});

void t.test('a frame of which less than half is wanted is not fetched whole', async (t) => {
  const { ranges, alone } = planRanges([frame('a', 0, 100, 0.5), frame('a', 100, 100, 0.499)]);
  t.equal(ranges.length, 1);
  t.same(alone.map(({ offsetBytes }) => offsetBytes), [100]);
});

void t.test('every frame is planned once, in order, within bounds', async () => {
  const frames = fc.array(fc.record({ pack: fc.constantFrom('a', 'b', 'c'), gap: fc.oneof(fc.constant(0), fc.nat(3000)), stored: fc.integer({ min: 1, max: 1_500_000 }), share: fc.double({ min: 0, max: 1, noNaN: true }) }), { maxLength: 60 });
  fc.assert(
    fc.property(frames, (specs) => {
      let at = 0;
      const list = specs
        .toSorted((a, b) => (a.pack < b.pack ? -1 : a.pack > b.pack ? 1 : 0))
        .map(({ pack, gap, stored, share }, index) => {
          const made = frame(pack, at + gap, stored, share, index);
          at += gap + stored;
          return made;
        });
      const { ranges, alone } = planRanges(list);
      const planned = [...ranges.flatMap((range) => range.frames), ...alone].map((made) => made.wanted[0]).sort((a, b) => (a ?? 0) - (b ?? 0));
      const inBounds = ranges.every((range) => {
        const contiguous = range.frames.every((made, index) => {
          const before = range.frames[index - 1];
          return made.packId === range.packId && (before === undefined || (made.offsetBytes >= before.offsetBytes + before.storedBytes && made.offsetBytes - before.offsetBytes - before.storedBytes <= RANGE_GAP_BYTES_MAX));
        });
        return contiguous && (range.frames.length === 1 || range.endBytes - range.startBytes <= RANGE_BYTES_TARGET);
      });
      return inBounds && planned.every((index, position) => index === position) && planned.length === list.length;
    }),
    { seed: 20261121, numRuns: 300 },
  );
});
