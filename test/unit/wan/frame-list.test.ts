import * as fc from 'fast-check';
import t from 'tap';
import { hasCode } from '../../../src/base/errors.ts';
import { decodeFrameList, encodeFrameList, type WantedFrame } from '../../../src/wan/frame-list.ts';
import { REQUEST_DIGESTS_MAX } from '../../../src/base/limits/wan.ts';

const frameOf = fc.record({ gap: fc.nat(1000), storedBytes: fc.integer({ min: 1, max: 1_000_000 }), rawBytes: fc.integer({ min: 1, max: 1_000_000 }), wantedCount: fc.integer({ min: 1, max: 5 }), pack: fc.constantFrom('0', 'abc', 'z'.repeat(32)) });

const lists = fc.array(frameOf, { maxLength: 40 }).map((specs) => {
  let index = 0;
  let at = 0;
  return specs
    .toSorted((a, b) => (a.pack < b.pack ? -1 : a.pack > b.pack ? 1 : 0))
    .map(({ gap, storedBytes, rawBytes, wantedCount, pack }): WantedFrame => {
      const offsetBytes = at + gap;
      at = offsetBytes + storedBytes;
      return { packId: pack, offsetBytes, storedBytes, rawBytes, wantedRawBytes: rawBytes, wanted: Array.from({ length: wantedCount }, () => index++) };
    });
});

void t.test('what is encoded is decoded', async () => {
  fc.assert(
    fc.property(lists, (frames) => {
      const count = frames.reduce((sum, frame) => sum + frame.wanted.length, 0);
      t.same(decodeFrameList(encodeFrameList(frames), count), frames);
    }),
    { seed: 20261121, numRuns: 100 },
  );
});

void t.test('bytes that are no frame list are a breach of the protocol, and nothing else', async () => {
  const refused = (bytes: Uint8Array): boolean => {
    try {
      decodeFrameList(bytes, 10);
      return true;
    } catch (error) {
      return hasCode(error, 'BC_PROTOCOL');
    }
  };
  fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), refused), { seed: 20261121, numRuns: 500 });
  fc.assert(
    fc.property(lists, fc.nat(), fc.nat(255), (frames, at, byte) => {
      const bytes = Buffer.from(encodeFrameList(frames));
      bytes[at % bytes.length] = byte;
      return refused(bytes) && refused(bytes.subarray(0, at % bytes.length));
    }),
    { seed: 20261121, numRuns: 500 },
  );
});

void t.test('lies are refused', async (t) => {
  const good: WantedFrame = { packId: 'a', offsetBytes: 16, storedBytes: 10, rawBytes: 20, wantedRawBytes: 20, wanted: [0] };
  const refused = (frames: readonly WantedFrame[], digestCount: number, why: string): void => {
    t.throws(() => decodeFrameList(encodeFrameList(frames), digestCount), { code: 'BC_PROTOCOL' }, why);
  };
  refused([{ ...good, wanted: [0, 0] }], 2, 'a digest twice in a frame');
  refused([good, { ...good, offsetBytes: 26 }], 2, 'a digest in two frames');
  refused([{ ...good, wanted: [5] }], 5, 'a digest that was not asked about');
  refused([{ ...good, wanted: [] }], 5, 'a frame of nothing');
  refused([good, { ...good, offsetBytes: 20, wanted: [1] }], 2, 'frames that overlap');
  refused([{ ...good, packId: 'A' }], 1, 'a pack id out of form');
  refused([{ ...good, packId: '../x' }], 1, 'a pack id that is a path');
  refused([{ ...good, storedBytes: 0xffffffff }], 1, 'a frame larger than its bound');
  refused([{ ...good, wantedRawBytes: 21 }], 1, 'more wanted than there is');
  const huge = Buffer.alloc(8);
  huge.writeUInt32LE(REQUEST_DIGESTS_MAX + 1);
  t.throws(() => decodeFrameList(huge, 1), { code: 'BC_PROTOCOL' }, 'a count is bounded before it is believed');
});
