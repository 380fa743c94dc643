/**
 * Trees made from a seed, without a network: the inputs of the small size, and of tests. The same seed gives the same bytes on every machine.
 * They compress to about a third and change as packages do: some files edited inside, a few added, removed, and one directory renamed.
 */
import { mkdirSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { KiB, MiB } from '../../src/base/units.ts';
import { seededNumbers } from '../../test/doubles/seeded-tree.ts';
import { seededBytes } from '../../test/vectors/seeded-bytes.ts';

export interface TreeShape {
  readonly smallFileCount: number;
  readonly smallFileBytesMax: number;
  readonly largeFileCount: number;
  readonly largeFileBytes: number;
}

export interface GeneratedFile {
  readonly path: string;
  readonly bytes: Uint8Array;
}

/** As npm sets it on every file of a package: what changed cannot be told by times. */
export const FIXED_MTIME_SECONDS = 499_162_500;

const FILES_PER_DIRECTORY = 40;
const PHRASES_BYTES = 256 * KiB;
/** Version 2 edits half of the files of every so many directories: a package changes as a whole or not at all. */
const EDITED_DIRECTORY_EVERY = 6;
/** Every so many small files one that version 2 adds, lacks. */
const ADDED_EVERY = 101;
const REMOVED_EVERY = 97;
const RENAMED_DIRECTORY = 3;
const EDITS_PER_LARGE_FILE = 12;
const RANDOM_INSERTS = 300;

export const SMALL_SHAPES = {
  app: { smallFileCount: 300, smallFileBytesMax: 8 * KiB, largeFileCount: 4, largeFileBytes: 2 * MiB },
  small: { smallFileCount: 600, smallFileBytesMax: 3 * KiB, largeFileCount: 0, largeFileBytes: 0 },
  base: { smallFileCount: 500, smallFileBytesMax: 16 * KiB, largeFileCount: 8, largeFileBytes: 1 * MiB },
  image: { smallFileCount: 0, smallFileBytesMax: 0, largeFileCount: 1, largeFileBytes: 24 * MiB },
  branch: { smallFileCount: 100, smallFileBytesMax: 16 * KiB, largeFileCount: 2, largeFileBytes: 1 * MiB },
} as const satisfies Readonly<Record<string, TreeShape>>;

/** In no order of paths. */
export function* generatedTree(shape: TreeShape, seed: number, version: 1 | 2): Generator<GeneratedFile> {
  const phrases = seededPhrases(seed);
  for (let index = 0; index < shape.smallFileCount; index += 1) {
    const next = seededNumbers(seed * 1_000_003 + index);
    const bytes = prose(phrases, 1 + next(shape.smallFileBytesMax), next);
    const directory = Math.floor(index / FILES_PER_DIRECTORY);
    const path = modulePath(index, version === 2 && directory === RENAMED_DIRECTORY ? '-renamed' : '');
    if (version === 1) yield { path, bytes };
    else if (index % REMOVED_EVERY !== REMOVED_EVERY - 1) {
      yield { path, bytes: directory % EDITED_DIRECTORY_EVERY === 0 && index % 2 === 0 ? edited(bytes, 1, next) : bytes };
      if (index % ADDED_EVERY === 0) yield { path: `package-${directory}/lib/added-${index}.js`, bytes: prose(phrases, 1 + next(shape.smallFileBytesMax), next) };
    }
  }
  for (let index = 0; index < shape.largeFileCount; index += 1) {
    const next = seededNumbers(seed * 2_000_003 + index);
    const bytes = prose(phrases, shape.largeFileBytes, next);
    yield { path: `large/bin-${index}`, bytes: version === 1 ? bytes : edited(bytes, EDITS_PER_LARGE_FILE, next) };
  }
}

/** Where a small file stands. */
export function modulePath(index: number, renamed = ''): string {
  return `package-${Math.floor(index / FILES_PER_DIRECTORY)}${renamed}/lib/module-${index}.js`;
}

/** One file of random bytes; version 2 has RANDOM_INSERTS more, one at a time, at random places. */
export function* randomTree(lengthBytes: number, version: 1 | 2): Generator<GeneratedFile> {
  const bytes = seededBytes(1, lengthBytes);
  const next = seededNumbers(1);
  const places = version === 1 ? [] : Array.from({ length: RANDOM_INSERTS }, () => next(lengthBytes)).toSorted((a, b) => a - b);
  yield { path: 'random.bin', bytes: Buffer.concat([0, ...places].flatMap((place, index) => [...(index === 0 ? [] : [Buffer.of(index)]), bytes.subarray(place, places[index] ?? lengthBytes)])) };
}

/** Makes `dir` and what is above the files. */
export function writeTree(dir: string, files: Iterable<GeneratedFile>): void {
  const made = new Set<string>();
  for (const { path, bytes } of files) {
    const whole = join(dir, path);
    const parent = dirname(whole);
    if (!made.has(parent)) mkdirSync(parent, { recursive: true });
    made.add(parent);
    writeFileSync(whole, bytes);
    utimesSync(whole, FIXED_MTIME_SECONDS, FIXED_MTIME_SECONDS);
  }
}

/** What prose is made of: words of seeded letters. */
function seededPhrases(seed: number): Uint8Array {
  const next = seededNumbers(seed);
  const words = Array.from({ length: 2000 }, () => Array.from({ length: 2 + next(9) }, () => 'etaoinshrdlucmfwypvbgkqjxz({;='[Math.min(next(30), next(30))]).join(''));
  const phrases = Buffer.alloc(PHRASES_BYTES, ' ');
  for (let at = 0; at < PHRASES_BYTES; ) at += phrases.write(`${words[Math.min(next(2000), next(2000))] ?? ''} `, at, 'latin1') || 1;
  return phrases;
}

/** Runs of phrases with noise between: about a third of its size in zstd. */
function prose(phrases: Uint8Array, lengthBytes: number, next: (bound: number) => number): Uint8Array {
  const bytes = new Uint8Array(lengthBytes);
  for (let at = 0; at < lengthBytes; ) {
    const run = Math.min(lengthBytes - at, 8 + next(90));
    bytes.set(phrases.subarray(next(PHRASES_BYTES - 100)).subarray(0, run), at);
    at += run;
    const noise = Math.min(lengthBytes - at, next(12));
    if (noise > 0) bytes.set(seededBytes(1 + next(2 ** 31), noise), at);
    at += noise;
  }
  return bytes;
}

/** Runs of up to 200 bytes replaced by others of other lengths, so that everything behind them moves. */
function edited(bytes: Uint8Array, editCount: number, next: (bound: number) => number): Uint8Array {
  const places = Array.from({ length: editCount }, () => next(bytes.length)).toSorted((a, b) => a - b);
  const parts: Uint8Array[] = [];
  let from = 0;
  for (const place of places) {
    const start = Math.max(from, place);
    parts.push(bytes.subarray(from, start), seededBytes(1 + next(2 ** 31), 1 + next(200)));
    from = Math.min(bytes.length, start + next(200));
  }
  return Buffer.concat([...parts, bytes.subarray(from)]);
}
