import * as fc from 'fast-check';
import t from 'tap';
import { MiB } from '../../src/base/units.ts';
import { cutFile } from '../../src/chunking/cut-file.ts';
import { createCutKernel } from '../../src/chunking/cut-kernel.ts';
import { gearTable } from '../../src/chunking/gear-table.ts';
import { hash } from '../../src/chunking/hash.ts';
import { DEFAULT_CHUNKER_PARAMS, type ChunkerParams } from '../../src/chunking/params.ts';
import { mapChunks, reader } from '../vectors/cut-whole.ts';
import { readGearTable, referenceCuts, referenceHits } from '../vectors/reference-cut.ts';
import { repeatedBytes, seededBytes } from '../vectors/seeded-bytes.ts';

const SEED = 20_200_715;
const gear = readGearTable(gearTable);

const params: fc.Arbitrary<ChunkerParams> = fc
  .record({ bits: fc.integer({ min: 7, max: 12 }), min: fc.nat(), max: fc.nat() })
  .map(({ bits, min, max }) => {
    const avgBytes = 2 ** bits;
    return { algorithm: 'gear64-1', minBytes: 64 + (min % (avgBytes - 64)), avgBytes, maxBytes: avgBytes + 1 + (max % (4 * avgBytes)), smallFileBytesMax: 0 };
  });

/** Random bytes, few different bytes, and repeated runs: where windows repeat, ties and forced cuts are. */
const fileBytes: fc.Arbitrary<Uint8Array> = fc.oneof(
  fc.record({ seed: fc.integer({ min: 1 }), bytes: fc.nat({ max: 20_000 }) }).map(({ seed, bytes }) => seededBytes(seed, bytes)),
  fc.record({ seed: fc.integer({ min: 1 }), bytes: fc.nat({ max: 10_000 }), mask: fc.integer({ min: 1, max: 7 }) }).map(({ seed, bytes, mask }) => seededBytes(seed, bytes).map((byte) => byte & mask)),
  fc.record({ unit: fc.uint8Array({ minLength: 1, maxLength: 300 }), bytes: fc.nat({ max: 10_000 }) }).map(({ unit, bytes }) => repeatedBytes(unit, bytes)),
);

void t.test('the kernel cuts as the reference does, bit for bit', (t) => {
  fc.assert(
    fc.property(params, fileBytes, (params, file) => {
      const kernel = createCutKernel(params);
      t.strictSame(mapChunks(kernel, file, (chunk) => chunk.length), referenceCuts(file, params, gear));
    }),
    { seed: SEED, numRuns: 150 },
  );
  t.end();
});

void t.test('the kernel finds the hits that the reference finds, wherever a file stands', (t) => {
  let hitCount = 0;
  const kernel = createCutKernel({ ...DEFAULT_CHUNKER_PARAMS, minBytes: 64, avgBytes: 4096 });
  fc.assert(
    fc.property(fileBytes, fc.nat({ max: 100 }), (file, start) => {
      kernel.buffer.set(file, start);
      const hit = kernel.hits(start, start + file.length);
      hitCount += hit ? 1 : 0;
      t.equal(hit, referenceHits(file, { ...DEFAULT_CHUNKER_PARAMS, avgBytes: 4096 }, gear));
    }),
    { seed: SEED, numRuns: 150 },
  );
  t.ok(hitCount > 20 && hitCount < 130, `both answers were seen (${hitCount} hits)`);
  t.end();
});

void t.test('chunks are the file, in order, however it is read', (t) => {
  const kernel = createCutKernel(DEFAULT_CHUNKER_PARAMS);
  const file = seededBytes(SEED, 9 * MiB + 12_345);
  const whole = mapChunks(kernel, file, (chunk) => chunk.length);
  const readBytes = fc.oneof(fc.integer({ min: 1, max: 5000 }), fc.integer({ min: 1, max: 6 * MiB }));
  fc.assert(
    fc.property(fc.array(readBytes, { minLength: 1, maxLength: 20 }), (pattern) => {
      let at = 0;
      const lengths: number[] = [];
      for (const chunk of cutFile(kernel, reader(file, (call) => pattern[call % pattern.length] ?? 1))) {
        if (Buffer.compare(chunk, file.subarray(at, at + chunk.length)) !== 0) t.fail(`chunk at ${at} differs`);
        at += chunk.length;
        lengths.push(chunk.length);
      }
      t.equal(at, file.length);
      t.strictSame(lengths, whole);
    }),
    { seed: SEED, numRuns: 25 },
  );
  t.end();
});

void t.test('every chunk but the last is within the bounds', (t) => {
  fc.assert(
    fc.property(params, fileBytes, (params, file) => {
      const lengths = mapChunks(createCutKernel(params), file, (chunk) => chunk.length);
      const inner = lengths.slice(0, -1);
      t.ok(inner.every((length) => length > params.minBytes && length <= params.maxBytes), lengths.join(' '));
      t.ok((lengths.at(-1) ?? 1) >= 1 && (lengths.at(-1) ?? 1) <= params.maxBytes);
    }),
    { seed: SEED, numRuns: 50 },
  );
  t.end();
});

void t.test('edit locality in 64 MiB', (t) => {
  const kernel = createCutKernel(DEFAULT_CHUNKER_PARAMS);
  const file = seededBytes(SEED, 64 * MiB);
  const chunks = mapChunks(kernel, file, (chunk) => ({ digest: hash(chunk), length: chunk.length }));
  const known = new Set(chunks.map(({ digest }) => digest));
  const newChunks = (edited: Uint8Array): number => mapChunks(kernel, edited, (chunk) => (known.has(hash(chunk)) ? 0 : 1)).filter((isNew) => isNew === 1).length;
  const withTwoChanged = (at: number): Uint8Array => {
    const edited = file.slice();
    edited.set([(file[at] ?? 0) ^ 0x5a, (file[at + 1] ?? 0) ^ 0xa5], at);
    return edited;
  };
  const withInsert = (at: number, byte: number): Uint8Array => {
    const edited = new Uint8Array(file.length + 1);
    edited.set(file.subarray(0, at));
    edited[at] = byte;
    edited.set(file.subarray(at), at + 1);
    return edited;
  };

  void t.test('2 changed bytes, and an inserted byte, anywhere, change at most 3 chunks', (t) => {
    const places = fc.oneof(fc.integer({ min: 0, max: file.length - 2 }), fc.constantFrom(0, file.length - 2));
    fc.assert(
      fc.property(places, fc.nat({ max: 255 }), (at, byte) => {
        for (const [edit, edited] of Object.entries({ change: withTwoChanged(at), insert: withInsert(at, byte) })) {
          const count = newChunks(edited);
          t.ok(count >= 1 && count <= 3, `${edit} at ${at}: ${count} new chunks`);
        }
      }),
      { seed: SEED, numRuns: 8 },
    );
    t.end();
  });

  // A random place is in a window that makes a cut point once in a thousand times. Here every place is in one: the cut point
  // goes away, and the chunks after it are others until old and new agree on a cut point again.
  void t.test('an edit of the bytes that make a cut point is caught up with soon', (t) => {
    const counts: number[] = [];
    let end = 0;
    for (const [index, { length }] of chunks.entries()) {
      end += length;
      if (index % 90 === 45) counts.push(newChunks(withTwoChanged(end - 10)), newChunks(withInsert(end - 10, 0)));
    }
    const mean = counts.reduce((sum, count) => sum + count, 0) / counts.length;
    t.ok(counts.length >= 18 && mean <= 3 && Math.max(...counts) <= 12, counts.join(' '));
    t.end();
  });
  t.end();
});
