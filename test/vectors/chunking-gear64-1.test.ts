/**
 * Golden vectors of the chunking `gear64-1`: the inputs can be made again from their description, the cut points were computed
 * by test/vectors/reference-cut.ts. They never change: other cut points are another algorithm, with another name.
 */
import { readFileSync } from 'node:fs';
import t from 'tap';
import { createCutKernel } from '../../src/chunking/cut-kernel.ts';
import { gearTable } from '../../src/chunking/gear-table.ts';
import { hash } from '../../src/chunking/hash.ts';
import { DEFAULT_CHUNKER_PARAMS, type ChunkerParams } from '../../src/chunking/params.ts';
import { mapChunks } from './cut-whole.ts';
import { readGearTable, referenceCuts, referenceHits } from './reference-cut.ts';
import { repeatedBytes, seededBytes } from './seeded-bytes.ts';

/** Sizes: minBytes, avgBytes, maxBytes. Either seed (seededBytes) or unit (ASCII, repeated). */
interface CutVector {
  readonly seed?: number;
  readonly unit?: string;
  readonly inputBytes: number;
  readonly sizes: readonly [number, number, number];
  readonly cuts: readonly number[];
  readonly firstDigest: string;
}

interface Vectors {
  readonly files: readonly CutVector[];
  /** Default parameters; file i is seededBytes(i + 1, bytes); '1' where it hits. */
  readonly hits: { readonly bytes: number; readonly answers: string };
}

const vectors = JSON.parse(readFileSync(new URL('./chunking-gear64-1.json', import.meta.url), 'utf8')) as Vectors;
const gear = readGearTable(gearTable);

void t.test('cut points of whole files', (t) => {
  t.ok(vectors.files.length >= 8);
  for (const { seed, unit, inputBytes, sizes, cuts, firstDigest } of vectors.files) {
    const [minBytes, avgBytes, maxBytes] = sizes;
    const params: ChunkerParams = { algorithm: 'gear64-1', minBytes, avgBytes, maxBytes, smallFileBytesMax: 0 };
    const file = unit === undefined ? seededBytes(seed ?? 1, inputBytes) : repeatedBytes(Buffer.from(unit), inputBytes);
    const name = `${unit === undefined ? `seed ${seed}` : JSON.stringify(unit)}, ${inputBytes} bytes, ${sizes.join('/')}`;
    const kernel = createCutKernel(params);
    t.same(mapChunks(kernel, file, (chunk) => chunk.length), cuts, `kernel: ${name}`);
    t.same(referenceCuts(file, params, gear), cuts, `reference: ${name}`);
    t.equal(hash(file.subarray(0, cuts[0])), firstDigest, `digest of the first chunk: ${name}`);
  }
  t.end();
});

void t.test('hits of small files', (t) => {
  const kernel = createCutKernel(DEFAULT_CHUNKER_PARAMS);
  const { bytes, answers } = vectors.hits;
  t.match(answers, /^[01]{64}$/);
  for (let index = 0; index < answers.length; index += 1) {
    const file = seededBytes(index + 1, bytes);
    kernel.buffer.set(file, 100);
    const wanted = answers[index] === '1';
    t.equal(kernel.hits(100, 100 + bytes), wanted, `kernel: file ${index}`);
    t.equal(referenceHits(file, DEFAULT_CHUNKER_PARAMS, gear), wanted, `reference: file ${index}`);
  }
  t.end();
});
