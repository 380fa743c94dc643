/** The kernel says of a leaf what the reader in TypeScript says, or leaves it to that one: for leaves as they are built, and for such with something wrong. */
import { decode, encode } from '@ipld/dag-cbor';
import fc from 'fast-check';
import t from 'tap';
import { CHUNK_BYTES_MAX } from '../../src/base/limits/frames.ts';
import { INLINE_PIECES_MAX, LINK_TARGET_BYTES_MAX, NAME_BYTES_MAX, NODE_ENTRIES_MAX, PATH_BYTES_MAX } from '../../src/base/limits/manifests.ts';
import { BranchcastError } from '../../src/base/errors.ts';
import { hash } from '../../src/chunking/hash.ts';
import { CborReader } from '../../src/manifest/cbor-reader.ts';
import { ENTRY_TYPES, MODE_MAX, NANOS_MAX, NODE_KIND, OWNER_ID_MAX } from '../../src/manifest/entry-ranges.ts';
import type { Entry } from '../../src/manifest/entry.ts';
import { sharedLength } from '../../src/manifest/key-column.ts';
import { readPlainLeaf } from '../../src/manifest/leaf-kernel.ts';
import { leafKernelWasm } from '../../src/manifest/leaf-kernel.wasm.gen.ts';
import { PLACE, PLACES, readLeaf, type LeafParts } from '../../src/manifest/read-leaf.ts';
import { BlockMap, chunk } from '../doubles/block-map.ts';
import { seededTree } from '../doubles/seeded-tree.ts';

const RUNS = { seed: 20_261_129 };
/** `[1, 1,` and what comes before it. */
const LEAF_START = 3;
const PLAIN_TYPES: readonly Entry['type'][] = ['file', 'directory', 'symlink', 'fifo'];

const seeds = fc.integer({ min: 1, max: 2 ** 31 });

/** The tree without what the kernel leaves to others. */
function plainOf(tree: Iterable<Entry>): Entry[] {
  return [...tree].filter((entry) => PLAIN_TYPES.includes(entry.type) && !('holes' in entry)).map((entry) => Object.fromEntries(Object.entries(entry).filter(([name]) => name !== 'xattrs')) as unknown as Entry);
}

function leavesOf(entries: Iterable<Entry>): Buffer[] {
  const blocks = new BlockMap();
  blocks.build(entries);
  return [...blocks.blocks.values()].filter((bytes) => bytes[2] === NODE_KIND.leaf).map((bytes) => Buffer.from(bytes));
}

const plainLeaves = [3, 5, 8].flatMap((seed) => leavesOf(plainOf(seededTree(seed, 400).values())));

function byReader(bytes: Buffer): LeafParts | undefined {
  const reader = new CborReader(bytes, hash(bytes));
  reader.position = LEAF_START;
  try {
    return readLeaf(reader);
  } catch (error) {
    if (error instanceof BranchcastError) return undefined;
    throw error;
  }
}

/** What can be seen of the parts. */
function told({ entryCount, keys, chunks, places, logicalBytes, hasLists }: LeafParts): unknown {
  return {
    entryCount, logicalBytes, hasLists, places: [...places],
    keys: Array.from({ length: keys.length }, (_, index) => Buffer.from(keys.at(index)).toString('hex')),
    chunks: Array.from({ length: chunks.length }, (_, index) => [chunks.digest(index), chunks.lengthBytes(index)]),
  };
}

function isPlain(bytes: Buffer, { entryCount, places }: LeafParts): boolean {
  for (let at = 0; at < entryCount * PLACES; at += PLACES) {
    const type = ENTRY_TYPES[bytes[places[at + PLACE.start] as number] as number] as Entry['type'];
    if (!PLAIN_TYPES.includes(type) || places[at + PLACE.bodyEnd] !== places[at + PLACE.end]) return false;
  }
  return true;
}

/** Throws unless both say the same; answers whether the leaf was accepted. */
function readBoth(bytes: Buffer): boolean {
  const [plain, read] = [readPlainLeaf(bytes, LEAF_START), byReader(bytes)];
  if (plain === undefined) {
    if (read !== undefined && isPlain(bytes, read)) throw new Error(`left alone: ${bytes.toString('hex')}`);
  } else if (read === undefined) throw new Error(`accepted: ${bytes.toString('hex')}`);
  else if (JSON.stringify(told(plain)) !== JSON.stringify(told(read))) throw new Error(`read as another leaf: ${bytes.toString('hex')}`);
  return read !== undefined;
}

void t.test('leaves as they are built', (t) => {
  let plainCount = 0;
  fc.assert(fc.property(seeds, fc.integer({ min: 1, max: 900 }), fc.boolean(), (seed, size, onlyPlain) => {
    const tree = seededTree(seed, size).values();
    for (const bytes of leavesOf(onlyPlain ? plainOf(tree) : tree)) {
      if (!readBoth(bytes)) throw new Error('a leaf that was built is refused');
      if (readPlainLeaf(bytes, LEAF_START) !== undefined) plainCount += 1;
    }
  }), { ...RUNS, numRuns: 60 });
  t.ok(plainCount > 60, `the kernel has read ${plainCount} of them`);
  t.end();
});

void t.test('leaves with some bytes changed, cut out or put in', (t) => {
  const edit = fc.tuple(fc.nat(), fc.integer({ min: 0, max: 3 }), fc.uint8Array({ minLength: 0, maxLength: 3 }));
  const counts = { good: 0, bad: 0 };
  fc.assert(fc.property(fc.nat(plainLeaves.length - 1), fc.array(edit, { minLength: 1, maxLength: 2 }), (index, edits) => {
    let bytes = plainLeaves[index] as Buffer;
    for (const [at, cut, insert] of edits) {
      const place = LEAF_START + (at % (bytes.length - LEAF_START + 1));
      bytes = Buffer.concat([bytes.subarray(0, place), insert, bytes.subarray(place + cut)]);
    }
    counts[readBoth(bytes) ? 'good' : 'bad'] += 1;
  }), { ...RUNS, numRuns: 5000 });
  t.ok(counts.good > 0 && counts.bad > 0, JSON.stringify(counts));
  t.end();
});

void t.test('every byte of a leaf, changed', (t) => {
  const [bytes] = plainLeaves.toSorted((a, b) => a.length - b.length).filter(({ length }) => length > 400) as [Buffer];
  const counts = { good: 0, bad: 0 };
  for (let at = LEAF_START; at < bytes.length; at += 1) {
    for (const value of [0, 0x18, 0x2e, 0x2f, 0x82, 0xf6, 0xff, (bytes[at] as number) ^ 1, (bytes[at] as number) + 1]) {
      const changed = Buffer.from(bytes);
      changed[at] = value;
      counts[readBoth(changed) ? 'good' : 'bad'] += 1;
    }
  }
  t.ok(counts.good > 0 && counts.bad > 0, JSON.stringify(counts));
  t.end();
});

void t.test('a leaf that is cut off anywhere, before what was read last', (t) => {
  const longest = plainLeaves.toSorted((a, b) => b.length - a.length)[0] as Buffer;
  for (let length = LEAF_START; length < longest.length; length += 1) {
    // The kernel's memory still holds the whole one.
    readPlainLeaf(longest, LEAF_START);
    if (readPlainLeaf(longest.subarray(0, length), LEAF_START) !== undefined) t.fail(`accepted with ${length} bytes`);
  }
  t.notOk(readBoth(Buffer.concat([longest, Buffer.of(0)])), 'nor is one with more');
  t.end();
});

/** Numbers around every width of an argument and every bound of a field. */
const EDGES = [0, 1, 2, 23, 24, 255, 256, 257, 4095, 4096, 65_535, 65_536, MODE_MAX, MODE_MAX + 1, NANOS_MAX, NANOS_MAX + 1, CHUNK_BYTES_MAX, CHUNK_BYTES_MAX + 1, OWNER_ID_MAX, OWNER_ID_MAX + 1, 2 ** 32, Number.MAX_SAFE_INTEGER, -1, -24, -25, -(2 ** 32), Number.MIN_SAFE_INTEGER];

void t.test('leaves with a number or a string replaced', (t) => {
  const names = ['', '.', '..', 'a/b', 'a\0b', 'a\0', '\0a', 'a\0.', 'a\0..', '...', 'z'.repeat(NAME_BYTES_MAX), 'z'.repeat(NAME_BYTES_MAX + 1), `${'z'.repeat(200)}\0${'y'.repeat(200)}`].map((name) => Buffer.from(name, 'latin1'));
  const value: fc.Arbitrary<number | Buffer | null> = fc.oneof(fc.constantFrom(...EDGES), fc.constantFrom(...names), fc.constant(null));
  const counts = { good: 0, bad: 0 };
  fc.assert(fc.property(fc.nat(plainLeaves.length - 1), fc.array(fc.tuple(fc.nat(), value), { minLength: 1, maxLength: 2 }), (index, edits) => {
    const leaf: unknown[] = decode(plainLeaves[index] as Buffer);
    for (const [at, replacement] of edits) {
      const places: [unknown[], number][] = [];
      const note = (list: unknown[]): void => list.forEach((item, place) => (Array.isArray(item) ? note(item) : typeof item === 'number' || item instanceof Uint8Array || item === null ? places.push([list, place]) : undefined));
      note(leaf.slice(2));
      const [list, place] = places[at % places.length] as [unknown[], number];
      list[place] = replacement;
    }
    counts[readBoth(Buffer.from(encode(leaf))) ? 'good' : 'bad'] += 1;
  }), { ...RUNS, numRuns: 4000 });
  t.ok(counts.good > 0 && counts.bad > 0, JSON.stringify(counts));
  t.end();
});

void t.test('a chunk that stands twice in the table is found, however many there are', (t) => {
  for (const count of [1, 2, 3, 4, 5, 16, 17, 1000]) {
    const chunks = Array.from({ length: count }, (_, index) => [chunk(`${index}`), 1]);
    const names = chunks.map((_, index) => Buffer.from(String(index).padStart(4, '0')));
    const files = names.map((name, index) => {
      const shared = sharedLength(names[index - 1] ?? Buffer.alloc(0), name);
      return [shared, name.subarray(shared), 0, [0o644, 0, 0, 0, 0], [1, [index, 0, 1]]];
    });
    t.ok(readBoth(leafOf(chunks, files)), `${count} different chunks`);
    if (count > 1) t.notOk(readBoth(leafOf([...chunks.slice(0, -1), chunks[0]], files)), `the first of ${count} once more, at the end`);
  }
  t.end();
});

function leafOf(chunks: readonly unknown[], entries: readonly unknown[]): Buffer {
  return Buffer.from(encode([1, NODE_KIND.leaf, chunks, entries]));
}

void t.test('the kernel has the bounds of the format', (t) => {
  const exported = new WebAssembly.Instance(new WebAssembly.Module(Buffer.from(leafKernelWasm, 'base64'))).exports as Record<string, WebAssembly.Global>;
  for (const [name, bound] of Object.entries({ NODE_ENTRIES_MAX, INLINE_PIECES_MAX, CHUNK_BYTES_MAX, PATH_BYTES_MAX, NAME_BYTES_MAX, LINK_TARGET_BYTES_MAX, MODE_MAX, OWNER_ID_MAX, NANOS_MAX })) {
    t.equal((exported[name]?.value as number) >>> 0, bound, name);
  }
  t.end();
});
