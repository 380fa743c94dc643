/** Golden vector of the frame list, docs/protocols.md: the answer to `POST /v1/locate`. */
import t from 'tap';
import { decodeFrameList, encodeFrameList, type WantedFrame } from '../../src/wan/frame-list.ts';

const frames: readonly WantedFrame[] = [
  { packId: '0a', offsetBytes: 16, storedBytes: 300, rawBytes: 1000, wantedRawBytes: 700, wanted: [2, 0] },
  { packId: '0a', offsetBytes: 0x1_0000_0010, storedBytes: 5, rawBytes: 6, wantedRawBytes: 6, wanted: [4] },
  { packId: 'zz9', offsetBytes: 16, storedBytes: 0x00bf_ffff, rawBytes: 0x0080_0000, wantedRawBytes: 1, wanted: [3] },
];

const vector = [
  '02000000', // packCount
  '02 3061', // length, id: 0a
  '03 7a7a39', // length, id: zz9
  '03000000', // frameCount
  '00000000', // packIndex
  '1000000000000000', // offsetBytes
  '2c010000', // storedBytes
  'e8030000', // rawBytes
  'bc020000', // wantedRawBytes
  '02000000', // wantedCount
  '02000000', // index
  '00000000', // index
  '00000000', // packIndex
  '1000000001000000', // offsetBytes, beyond 32 bits
  '05000000', // storedBytes
  '06000000', // rawBytes
  '06000000', // wantedRawBytes
  '01000000', // wantedCount
  '04000000', // index
  '01000000', // packIndex
  '1000000000000000', // offsetBytes
  'ffffbf00', // storedBytes
  '00008000', // rawBytes
  '01000000', // wantedRawBytes
  '01000000', // wantedCount
  '03000000', // index
].join('').replaceAll(' ', '');

void t.test('frame list', async (t) => {
  t.equal(Buffer.from(encodeFrameList(frames)).toString('hex'), vector);
  t.same(decodeFrameList(Buffer.from(vector, 'hex'), 5), frames);
});
