/**
 * Question: after 300 one-byte inserts at random places of 64 MiB, how many of the bytes are in chunks that were there before, and is
 * that not below plain 64-bit gear (one mask at every size) with chunks of about the same mean?
 *
 *     node benchmarks/micro/dedup.bench.ts [FILE…]
 *
 * Default inputs: random bytes, and the node binary. Not a matter of time: the same seeds give the same figures on every machine.
 */
import { readFileSync } from 'node:fs';
import { KiB, MiB } from '../../src/base/units.ts';
import { createCutKernel } from '../../src/chunking/cut-kernel.ts';
import type { Digest } from '../../src/chunking/digest.ts';
import { gearTable } from '../../src/chunking/gear-table.ts';
import { hash } from '../../src/chunking/hash.ts';
import { DEFAULT_CHUNKER_PARAMS } from '../../src/chunking/params.ts';
import { mapChunks } from '../../test/vectors/cut-whole.ts';
import { seededBytes } from '../../test/vectors/seeded-bytes.ts';

const INPUT_BYTES = 64 * MiB;
const INSERTS = 300;
const TRIALS = 4;

type Cut = (file: Uint8Array) => { readonly digest: Digest; readonly bytes: number }[];

const kernel = createCutKernel(DEFAULT_CHUNKER_PARAMS);
const ours: Cut = (file) => mapChunks(kernel, file, (chunk) => ({ digest: hash(chunk), bytes: chunk.length }));

/** The same gear table and bounds, and one mask of 16 bits at every size. */
const plain: Cut = (file) => {
  // The condition looks at the top 16 bits, and the sum carries into them from below: both halves are needed.
  const table = new Uint32Array(gearTable.slice().buffer);
  const { minBytes, maxBytes } = DEFAULT_CHUNKER_PARAMS;
  const chunks: { digest: Digest; bytes: number }[] = [];
  for (let start = 0; start < file.length; ) {
    const stop = Math.min(file.length, start + maxBytes);
    let low = 0;
    let high = 0;
    let at = Math.min(stop, start + minBytes - 64);
    while (at < stop) {
      const byte = file[at] ?? 0;
      const sum = ((low << 1) >>> 0) + (table[byte * 2] ?? 0);
      high = ((high << 1) | (low >>> 31)) + (table[byte * 2 + 1] ?? 0) + (sum > 0xffff_ffff ? 1 : 0);
      high |= 0;
      low = sum >>> 0;
      at += 1;
      if (at > start + minBytes && high >>> 16 === 0) break;
    }
    const chunk = file.subarray(start, at);
    chunks.push({ digest: hash(chunk), bytes: chunk.length });
    start = at;
  }
  return chunks;
};

function withInserts(file: Uint8Array, trial: number): Uint8Array {
  const draws = new Uint32Array(seededBytes(trial + 1, INSERTS * 4).buffer);
  const places = Array.from(draws, (draw) => draw % file.length).toSorted((a, b) => a - b);
  const edited = new Uint8Array(file.length + INSERTS);
  let from = 0;
  for (const [index, place] of places.entries()) {
    edited.set(file.subarray(from, place), from + index);
    edited[place + index] = trial;
    from = place;
  }
  edited.set(file.subarray(from), from + INSERTS);
  return edited;
}

function measure(label: string, file: Uint8Array): void {
  console.log(`\n${label}, ${(file.length / MiB).toFixed(0)} MiB\n${'chunking'.padEnd(24)}${'mean KiB'.padStart(10)}${'shared %'.padStart(10)}   of each trial`);
  for (const [name, cut] of Object.entries({ 'gear64-1': ours, 'plain gear, 64 bits': plain })) {
    const before = cut(file);
    const known = new Set(before.map(({ digest }) => digest));
    const shares = Array.from({ length: TRIALS }, (_, trial) => {
      const shared = cut(withInserts(file, trial)).filter(({ digest }) => known.has(digest));
      return (100 * shared.reduce((sum, { bytes }) => sum + bytes, 0)) / (file.length + INSERTS);
    });
    const mean = shares.reduce((sum, share) => sum + share, 0) / TRIALS;
    const meanKiB = file.length / before.length / KiB;
    console.log(`${name.padEnd(24)}${meanKiB.toFixed(1).padStart(10)}${mean.toFixed(1).padStart(10)}   ${shares.map((share) => share.toFixed(1)).join(' ')}`);
  }
}

const files = process.argv.slice(2);
if (files.length === 0) {
  measure('random bytes', seededBytes(1, INPUT_BYTES));
  files.push(process.execPath);
}
for (const file of files) measure(file, readFileSync(file).subarray(0, INPUT_BYTES));
