import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import t from 'tap';
import { decodeLocation, decodePack, encodeLocation, encodePack } from '../../../src/store/index-records.ts';

const uint32 = fc.integer({ min: 0, max: 2 ** 32 - 1 });
const location = fc.record({ packNumber: uint32, offsetBytes: uint32, storedBytes: uint32, rawBytes: uint32, chunkBytes: uint32 }).map((one) => ({ ...one, chunkBytes: Math.min(one.chunkBytes, one.rawBytes) }));

await t.test('locations come back as they were', async () => {
  fc.assert(fc.property(location, (one) => isDeepStrictEqual(decodeLocation(encodeLocation(one)), one)), { seed: 1 });
});

await t.test('a location that is cut off or too long is none', async () => {
  fc.assert(fc.property(location, (one) => {
    const bytes = encodeLocation(one);
    for (let length = 0; length < bytes.byteLength; length += 1) if (decodeLocation(bytes.subarray(0, length)) !== undefined) return false;
    return decodeLocation(Buffer.concat([bytes, Buffer.alloc(1)])) === undefined;
  }), { seed: 2 });
});

await t.test('a chunk of 64 KiB in a pack of 64 MiB takes 15 bytes', async (t) => {
  t.equal(encodeLocation({ packNumber: 10_000, offsetBytes: 60_000_000, storedBytes: 400_000, rawBytes: 1_100_000, chunkBytes: 65_536 }).byteLength, 15);
});

await t.test('what is said of a pack comes back', async (t) => {
  const record = { lengthBytes: 4_000_000_000, sealed: true, frameCount: 7, chunkCount: 70, rawBytes: 2 ** 40, packNumber: 12 };
  t.same(decodePack(encodePack(record)), record);
  t.equal(decodePack(encodePack(record).subarray(1)), undefined);
});
