/** What edits cost in dedup: no matter of time, the same seeds give the same figures on every machine. */
import { readFileSync } from 'node:fs';
import { KiB, MiB } from '../../src/base/units.ts';
import { createCutKernel } from '../../src/chunking/cut-kernel.ts';
import type { Digest } from '../../src/chunking/digest.ts';
import { gearTable } from '../../src/chunking/gear-table.ts';
import { hash } from '../../src/chunking/hash.ts';
import { DEFAULT_CHUNKER_PARAMS } from '../../src/chunking/params.ts';
import { mapChunks } from '../../test/vectors/cut-whole.ts';
import { seededBytes } from '../../test/vectors/seeded-bytes.ts';
import type { Benchmark, Size } from '../runner/benchmark.ts';

const INPUT_BYTES: Readonly<Record<Size, number>> = { small: 8 * MiB, full: 64 * MiB };
const INSERTS_PER_MIB = 300 / 64;
const TRIALS = 4;
const RANDOM = 'random bytes';
const REAL = 'the node binary';

type Cut = (file: Uint8Array) => { readonly digest: Digest; readonly bytes: number }[];

export const benchmark: Benchmark = {
  name: 'dedup',
  question: 'After 300 one-byte inserts at random places of 64 MiB, how many of the bytes are in chunks that were there before, and is that not below plain 64-bit gear (one mask at every size) with chunks of about the same mean?',
  bounds: [RANDOM, REAL].map((table) => ({
    what: `bytes in known chunks after inserts, ${table}`,
    value: { table, row: 'gear64-1', metric: 'sharedPercent' },
    atLeast: [{ times: 1, table, row: 'plain gear, 64 bits', metric: 'sharedPercent' }],
  })),
  async run({ size, table }) {
    const inputs = { [RANDOM]: seededBytes(1, INPUT_BYTES[size]), [REAL]: readFileSync(process.execPath).subarray(0, INPUT_BYTES[size]) };
    for (const [title, file] of Object.entries(inputs)) {
      const before = new Map([ours, plain].map((cut) => [cut, cut(file)]));
      const sample = (cut: Cut) => (trial: number) => {
        const known = before.get(cut) ?? [];
        const digests = new Set(known.map(({ digest }) => digest));
        const after = withInserts(file, Math.round((INSERTS_PER_MIB * file.length) / MiB), trial);
        const shared = cut(after).filter(({ digest }) => digests.has(digest)).reduce((sum, { bytes }) => sum + bytes, 0);
        return { sharedPercent: (100 * shared) / after.length, meanChunkKib: file.length / known.length / KiB };
      };
      await table(title, [
        { name: 'gear64-1', run: sample(ours) },
        { name: 'plain gear, 64 bits', role: 'reference', run: sample(plain) },
      ], { rounds: TRIALS, ratioOf: 'sharedPercent' });
    }
  },
};

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

function withInserts(file: Uint8Array, insertCount: number, trial: number): Uint8Array {
  const draws = new Uint32Array(seededBytes(trial + 1, insertCount * 4).buffer);
  const places = Array.from(draws, (draw) => draw % file.length).toSorted((a, b) => a - b);
  const edited = new Uint8Array(file.length + insertCount);
  let from = 0;
  for (const [index, place] of places.entries()) {
    edited.set(file.subarray(from, place), from + index);
    edited[place + index] = trial;
    from = place;
  }
  edited.set(file.subarray(from), from + insertCount);
  return edited;
}
