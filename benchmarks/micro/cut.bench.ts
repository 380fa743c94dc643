/**
 * Question: how fast are cut points and digests on one core, and what is that beside b3sum with one thread?
 *
 *     node benchmarks/micro/cut.bench.ts [FILE…]
 *
 * Each FILE (default: the TypeScript compiler, and random bytes) is repeated to 128 MiB. Rows are in memory, but for those that say
 * "file": they read a warm one. A figure is the median of five rounds; the rounds of all rows are interleaved, so that a noisy
 * moment is shared. The time of b3sum is its wall time: it maps the file and hashes it with one thread.
 */
import { createBLAKE3 } from 'hash-wasm';
import { spawnSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, readSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MiB } from '../../src/base/units.ts';
import { cutFile } from '../../src/chunking/cut-file.ts';
import { createCutKernel } from '../../src/chunking/cut-kernel.ts';
import { digestFromBytes, type Digest } from '../../src/chunking/digest.ts';
import { loadNativeBlake3 } from '../../src/chunking/native-blake3.ts';
import { DEFAULT_CHUNKER_PARAMS } from '../../src/chunking/params.ts';
import { wasmBlake3 } from '../../src/chunking/wasm-blake3.ts';
import { reader } from '../../test/vectors/cut-whole.ts';
import { repeatedBytes, seededBytes } from '../../test/vectors/seeded-bytes.ts';

const INPUT_BYTES = 128 * MiB;
const ROUNDS = 5;
const native = await loadNativeBlake3();
const streaming = await createBLAKE3();
const hashWasm = (bytes: Uint8Array): Uint8Array => streaming.init().update(bytes).digest('binary');

interface Row {
  readonly name: string;
  /** One round; its seconds. */
  readonly run: () => number;
}

function rowsFor(input: Uint8Array, inputFile: string): Row[] {
  const kernel = createCutKernel(DEFAULT_CHUNKER_PARAMS);
  const cuts = cutFile(kernel, reader(input)).map((chunk) => chunk.length).toArray();
  const hashAll = (blake3: (bytes: Uint8Array) => Uint8Array): void => {
    let start = 0;
    for (const length of cuts) blake3(input.subarray(start, (start += length)));
  };
  const cutAll = (use: (chunk: Uint8Array) => unknown): void => {
    for (const chunk of cutFile(kernel, reader(input))) use(chunk);
  };
  const rows: Row[] = [
    { name: 'copy into the kernel', run: timed(() => copyAll(kernel.buffer, input)) },
    { name: 'cut', run: timed(() => cutAll(() => undefined)) },
    { name: 'hash, hash-wasm', run: timed(() => hashAll(hashWasm)) },
    { name: 'cut + hash, hash-wasm', run: timed(() => cutAll(hashWasm)) },
    { name: 'hash, portable', run: timed(() => hashAll(wasmBlake3)) },
    { name: 'cut + hash, portable', run: timed(() => cutAll(wasmBlake3)) },
  ];
  const fromFile = (blake3: (bytes: Uint8Array) => Uint8Array): void => {
    const known = new Set<Digest>();
    const file = openSync(inputFile, 'r');
    for (const chunk of cutFile(kernel, (into) => readSync(file, into))) known.add(digestFromBytes(blake3(chunk)));
    closeSync(file);
  };
  rows.push({ name: 'file: read + cut + hash + look up, portable', run: timed(() => fromFile(wasmBlake3)) });
  if (native !== undefined) {
    rows.push(
      { name: 'hash, native', run: timed(() => hashAll(native)) },
      { name: 'cut + hash, native', run: timed(() => cutAll(native)) },
      { name: 'file: read + cut + hash + look up, native', run: timed(() => fromFile(native)) },
    );
  }
  if (spawnSync('b3sum', ['--version']).status === 0) rows.push({ name: 'file: b3sum --num-threads 1', run: timed(() => spawnSync('b3sum', ['--num-threads', '1', inputFile])) });
  return rows;
}

function copyAll(into: Uint8Array, input: Uint8Array): void {
  for (let offset = 0; offset < input.length; offset += into.length) into.set(input.subarray(offset, offset + into.length));
}

function timed(work: () => void): () => number {
  return () => {
    const begin = performance.now();
    work();
    return (performance.now() - begin) / 1000;
  };
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

function measure(label: string, input: Uint8Array): void {
  const dir = mkdtempSync(join(tmpdir(), 'branchcast-bench-'));
  try {
    const inputFile = join(dir, 'input');
    writeFileSync(inputFile, input);
    const rows = rowsFor(input, inputFile);
    const seconds = new Map(rows.map(({ name }) => [name, [] as number[]]));
    for (let round = -1; round < ROUNDS; round += 1) {
      // The first round warms up and is not counted.
      for (const { name, run } of rows) {
        const took = run();
        if (round >= 0) seconds.get(name)?.push(took);
      }
    }
    const speeds = rows.map(({ name }) => ({ name, speed: INPUT_BYTES / 1e6 / median(seconds.get(name) ?? []) }));
    const peer = speeds.find(({ name }) => name.includes('b3sum'))?.speed;
    console.log(`\n${label}\n${'what'.padEnd(46)}${'MB/s'.padStart(8)}${'x b3sum'.padStart(10)}`);
    for (const { name, speed } of speeds) {
      console.log(`${name.padEnd(46)}${speed.toFixed(0).padStart(8)}${(peer === undefined ? '-' : (speed / peer).toFixed(2)).padStart(10)}`);
    }
    if (peer === undefined) console.log('b3sum is not installed: no ratio');
  } finally {
    rmSync(dir, { recursive: true });
  }
}

const files = process.argv.slice(2);
const inputs: (readonly [string, Uint8Array])[] =
  files.length > 0
    ? files.map((file) => [file, repeatedBytes(readFileSync(file), INPUT_BYTES)])
    : [
        ['typescript.js, repeated', repeatedBytes(readFileSync(new URL('../../node_modules/typescript/lib/typescript.js', import.meta.url)), INPUT_BYTES)],
        ['random bytes', seededBytes(1, INPUT_BYTES)],
      ];
for (const [label, input] of inputs) measure(label, input);
