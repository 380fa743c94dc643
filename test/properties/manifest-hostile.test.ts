/** Whatever bytes come: an answer or a BranchcastError with a code of the manifest's, never a crash, a hang or another error. */
import { decode, encode } from '@ipld/dag-cbor';
import fc from 'fast-check';
import { CID } from 'multiformats/cid';
import t from 'tap';
import { BranchcastError, type ErrorCode } from '../../src/base/errors.ts';
import { DAG_CBOR_CODE, digestFromBytes, nodeCid, type Digest } from '../../src/chunking/digest.ts';
import { hash } from '../../src/chunking/hash.ts';
import { readCar, writeCar } from '../../src/manifest/car.ts';
import { CborReader } from '../../src/manifest/cbor-reader.ts';
import type { ManifestChange } from '../../src/manifest/change.ts';
import { decodeDescriptor } from '../../src/manifest/descriptor.ts';
import { diffManifests } from '../../src/manifest/diff.ts';
import { knownBlocks } from '../../src/manifest/known-tree.ts';
import { missingBlocks } from '../../src/manifest/missing-blocks.ts';
import { decodeNode, leafNames, linksOf } from '../../src/manifest/node.ts';
import { Manifest } from '../../src/manifest/read.ts';
import { BlockMap } from '../doubles/block-map.ts';
import { seededNumbers, seededTree } from '../doubles/seeded-tree.ts';

const RUNS = { seed: 20_261_121 };
const NODE_CODES: readonly ErrorCode[] = ['BC_MANIFEST_MALFORMED', 'BC_MANIFEST_UNSAFE', 'BC_FORMAT_VERSION'];
const READ_CODES: readonly ErrorCode[] = [...NODE_CODES, 'BC_MANIFEST_INCOMPLETE', 'BC_CHUNK_CORRUPT', 'BC_LIMIT_EXCEEDED'];

const blocks = new BlockMap();
const built = blocks.build(seededTree(5, 500).values());
/** Children first, the root last. */
const nodes = [...blocks.blocks];
/** A tree of one leaf: what is changed in it is not found by what a parent claims. */
const small = new BlockMap();
small.build(seededTree(3, 60).values());
const smallNodes = [...small.blocks];
const samples = nodes.map(([, bytes]) => bytes).sort((a, b) => a.length - b.length);

/** True if it was accepted. */
function accepted(run: () => unknown, codes: readonly ErrorCode[]): boolean {
  try {
    run();
    return true;
  } catch (error) {
    if (error instanceof BranchcastError && codes.includes(error.code)) return false;
    throw error;
  }
}

/** Reads it all; answers the code with which it was refused. */
async function drain(items: AsyncIterable<unknown>, codes: readonly ErrorCode[], max = 100_000): Promise<ErrorCode | undefined> {
  let count = 0;
  try {
    for await (const _ of items) {
      count += 1;
      if (count > max) throw new Error('it does not end');
    }
  } catch (error) {
    if (!(error instanceof BranchcastError && codes.includes(error.code))) throw error;
    return error.code;
  }
  return undefined;
}

/** The entries of changes are made when they are asked for; by then nothing may be wrong with them. */
async function drainDiff(before: Manifest, after: Manifest): Promise<void> {
  const changes: ManifestChange[] = [];
  async function* kept(): AsyncGenerator<void> {
    for await (const change of diffManifests(before, after)) yield void changes.push(change);
  }
  await drain(kept(), READ_CODES);
  for (const { kind, before: old, after: now } of changes) if ((old === undefined) !== (kind === 'added') || (now === undefined) !== (kind === 'removed')) throw new Error(`${kind} without what it is about`);
}

/** Decodes; what is accepted must be canonical in the eyes of @ipld/dag-cbor too. */
function decodeBoth(bytes: Uint8Array): boolean {
  const good = accepted(() => readAll(bytes), NODE_CODES);
  if (good && !Buffer.from(encode(decode(bytes))).equals(bytes)) throw new Error(`accepted, but not canonical: ${Buffer.from(bytes).toString('hex')}`);
  nameBoth(bytes, good);
  return good;
}

/** The short way to what a leaf names: of a good leaf it says what the decoder says, of other bytes anything, or it refuses them. */
function nameBoth(bytes: Uint8Array, good: boolean): void {
  let names: ReturnType<typeof leafNames> | undefined;
  accepted(() => { names = leafNames(bytes, hash(bytes)); }, NODE_CODES);
  const node = good ? decodeNode(bytes, hash(bytes)) : undefined;
  if (node?.kind !== 'leaf') return;
  const lists = new Set(names?.lists);
  if (names?.chunks.length !== node.chunks.length || lists.size !== linksOf(node).length || !linksOf(node).every((list) => lists.has(list))) throw new Error('it names something else');
}

function readAll(bytes: Uint8Array): void {
  const node = decodeNode(bytes, hash(bytes));
  if (node.kind === 'leaf') for (let index = 0; index < node.entryCount; index += 1) node.entryAt(index);
}

void t.test('random bytes, and random CBOR', (t) => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => { decodeBoth(bytes); }), { ...RUNS, numRuns: 2000 });
  const value = fc.letrec((tie) => ({
    value: fc.oneof({ maxDepth: 6 }, fc.integer({ min: -3, max: 7 }), fc.constant(null), fc.uint8Array({ maxLength: 9 }), fc.constantFrom('holes', 'xattrs', ''), fc.constant(nodeCid(built.root)), fc.array(tie('value'), { maxLength: 6 })),
  })).value;
  const envelope = fc.tuple(fc.constant(1), fc.integer({ min: 1, max: 4 }), value, value);
  fc.assert(fc.property(fc.oneof(value, envelope), (any) => { decodeBoth(encode(any)); }), { ...RUNS, numRuns: 2000 });
  t.end();
});

void t.test('nodes with some bytes changed, cut out or put in', (t) => {
  const edit = fc.tuple(fc.nat(), fc.integer({ min: 0, max: 3 }), fc.uint8Array({ minLength: 0, maxLength: 4 }));
  let goodCount = 0;
  fc.assert(fc.property(fc.nat(samples.length - 1), fc.array(edit, { minLength: 1, maxLength: 3 }), (index, edits) => {
    let bytes = Buffer.from(samples[index] as Uint8Array);
    for (const [at, cut, insert] of edits) {
      const place = at % (bytes.length + 1);
      bytes = Buffer.concat([bytes.subarray(0, place), insert, bytes.subarray(place + cut)]);
    }
    if (decodeBoth(bytes)) goodCount += 1;
  }), { ...RUNS, numRuns: 3000 });
  t.ok(goodCount > 0, 'some remain nodes: the test sees both');
  t.end();
});

void t.test('an item is passed over as a whole, whatever it is', (t) => {
  const value = fc.letrec((tie) => ({
    value: fc.oneof({ maxDepth: 5 }, fc.maxSafeInteger(), fc.constantFrom(null, true, 1.5, -0.1), fc.uint8Array({ maxLength: 300 }), fc.string({ maxLength: 30 }), fc.constant(nodeCid(built.root)), fc.array(tie('value'), { maxLength: 30 }), fc.dictionary(fc.string({ maxLength: 9 }), tie('value'), { maxKeys: 5 })),
  })).value;
  fc.assert(fc.property(value, fc.uint8Array({ maxLength: 9 }), (any, rest) => {
    const item = encode(any);
    const reader = new CborReader(Buffer.concat([item, rest]), built.root);
    const found = reader.skip(DAG_CBOR_CODE, 'item');
    if (reader.position !== item.length) throw new Error(`${reader.position} of ${item.length} bytes`);
    if (found.length !== cidCount(any) || found.some((at) => digestFromBytes(reader.bytes, at) !== built.root)) throw new Error('other CIDs');
  }), { ...RUNS, numRuns: 1000 });
  fc.assert(fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
    const reader = new CborReader(Buffer.from(bytes), built.root);
    if (accepted(() => reader.skip(DAG_CBOR_CODE, 'item'), NODE_CODES) && !(reader.position > 0 && reader.position <= bytes.length)) throw new Error(`it went to ${reader.position} of ${bytes.length}`);
  }), { ...RUNS, numRuns: 5000 });
  t.end();
});

function cidCount(value: unknown): number {
  if (CID.asCID(value) !== null) return 1;
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return 0;
  return Object.values(value).reduce<number>((sum, part) => sum + cidCount(part), 0);
}

void t.test('every truncation of a node is refused', (t) => {
  const bytes = samples[0] as Uint8Array;
  for (let end = 0; end < bytes.length; end += 1) if (decodeBoth(bytes.subarray(0, end))) t.fail(`accepted ${end} of ${bytes.length} bytes`);
  t.end();
});

/** A manifest with one node changed in its structure, and all nodes above it made to name it: only the rules can find it. */
function lyingManifest(seed: number): Manifest {
  const next = seededNumbers(seed);
  const chosen = next(2) === 0 ? nodes : smallNodes;
  const victim = chosen.length - 1 - next(next(2) === 0 ? 1 : chosen.length);
  const renamed = new Map<string, CID>();
  const lying = new Map<Digest, Uint8Array>();
  let root = built.root;
  for (const [index, [digest, bytes]] of chosen.entries()) {
    let value = replaceLinks(decode(bytes), renamed);
    if (index === victim) value = next(3) === 0 ? lie(value, next) : mutate(value, next);
    const changed = encode(value);
    renamed.set(nodeCid(digest).toString(), nodeCid(hash(changed)));
    lying.set(hash(changed), changed);
    root = hash(changed);
  }
  return new Manifest(root, async (digest) => lying.get(digest));
}

function replaceLinks(value: unknown, renamed: ReadonlyMap<string, CID>): unknown {
  const cid = CID.asCID(value);
  if (cid !== null) return renamed.get(cid.toString()) ?? cid;
  if (Array.isArray(value)) return value.map((item: unknown) => replaceLinks(item, renamed));
  return value;
}

/** A leaf with one entry changed so that it is still a good leaf, and the tree is not. */
function lie(value: unknown, next: (bound: number) => number): unknown {
  const [version, kind, chunks, entries] = value as [number, number, unknown, unknown[][]];
  if (kind !== 1) return mutate(value, next);
  const lies = entries.flatMap((entry, at) => {
    const [shared, suffix, type, meta, body] = entry;
    if (type === 1 && at > 0) return [{ at, entry: [shared, suffix, 6, meta, null] }];
    if (type === 3) return [{ at, entry: [shared, suffix, 3, null, Buffer.from('nowhere')] }];
    if (type === 0 && Array.isArray(body) && CID.asCID(body[1]) !== null) return [{ at, entry: [shared, suffix, 0, meta, [body[0], nodeCid(hash(Buffer.from('nowhere')))]] }];
    return [];
  });
  const chosen = lies[next(lies.length)];
  return [version, kind, chunks, entries.map((entry, at) => (at === chosen?.at ? chosen.entry : entry))];
}

function mutate(value: unknown, next: (bound: number) => number): unknown {
  if (Array.isArray(value) && value.length > 0 && next(20) > 0) {
    const copy = [...(value as unknown[])];
    const at = next(copy.length);
    const kind = next(20);
    if (kind === 0) copy.splice(at, 1);
    else if (kind === 1) copy.splice(at, 0, copy[next(copy.length)]);
    else if (kind === 2) [copy[at], copy[0]] = [copy[0], copy[at]];
    else copy[at] = mutate(copy[at], next);
    return copy;
  }
  if (typeof value === 'number') return [value + 1, Math.max(0, value - 1), next(300), 0, -1, Number.MAX_SAFE_INTEGER][next(6)];
  if (value instanceof Uint8Array && CID.asCID(value) === null) return [Buffer.from('..'), Buffer.from('a/b'), Buffer.concat([value, Buffer.of(next(256))]), value.subarray(1), Buffer.from('a\0b')][next(5)];
  return [null, [], 0, nodeCid(built.root), { holes: [0, 1] }, Buffer.alloc(0)][next(6)];
}

void t.test('manifests whose nodes lie', async (t) => {
  const answers = new Set<ErrorCode | undefined>();
  const good = blocks.manifest(built.root);
  await fc.assert(fc.asyncProperty(fc.integer({ min: 1, max: 2 ** 31 }), async (seed) => {
    const lying = lyingManifest(seed);
    await drain(lying.entries(), READ_CODES);
    answers.add(await drain(lying.chunks(), READ_CODES));
    await drain(lying.blocks(), READ_CODES);
    await drain(knownBlocks(lying), READ_CODES);
    await drainDiff(good, lying);
    await drainDiff(lying, good);
    await drain(missingBlocks(lying, [good]), READ_CODES);
    await drain(missingBlocks(good, [lying]), READ_CODES);
  }), { ...RUNS, numRuns: 150 });
  for (const code of [undefined, 'BC_MANIFEST_MALFORMED', 'BC_MANIFEST_UNSAFE', 'BC_MANIFEST_INCOMPLETE'] as const) t.ok(answers.has(code), `the lies led to ${code ?? 'no error'}`);
});

void t.test('sources that give any block for any digest', async () => {
  await fc.assert(fc.asyncProperty(fc.integer({ min: 1, max: 2 ** 31 }), async (seed) => {
    const next = seededNumbers(seed);
    const always = nodes[next(nodes.length)]?.[1] as Uint8Array;
    // The same block for every digest is the nearest that a source can come to a cycle.
    for (const read of [async () => always, async () => Buffer.alloc(next(2000)), async (digest: Digest) => (next(20) === 0 ? always : blocks.blocks.get(digest))]) {
      await drain(new Manifest(built.root, read).entries(), READ_CODES);
      await drain(new Manifest(built.root, read).blocks(), READ_CODES);
      await drain(knownBlocks(new Manifest(built.root, read)), READ_CODES);
      await drainDiff(new Manifest(hash(always), read), new Manifest(built.root, read));
    }
  }), { ...RUNS, numRuns: 50 });
});

void t.test('CAR streams and descriptors with some bytes changed', async () => {
  const root = smallNodes.at(-1)?.[0] ?? built.root;
  const pieces: Uint8Array[] = [];
  for await (const piece of writeCar([root], small.manifest(root).blocks())) pieces.push(piece);
  const car = Buffer.concat(pieces);
  await fc.assert(fc.asyncProperty(fc.nat(car.length), fc.integer({ min: 0, max: 3 }), fc.uint8Array({ maxLength: 4 }), fc.integer({ min: 40, max: 900 }), async (at, cut, insert, pieceBytes) => {
    const bytes = Buffer.concat([car.subarray(0, at), insert, car.subarray(at + cut)]);
    async function* stream(): AsyncGenerator<Uint8Array> {
      for (let start = 0; start < bytes.length; start += pieceBytes) yield bytes.subarray(start, start + pieceBytes);
    }
    await drain(readCar(stream()), ['BC_PROTOCOL', 'BC_CHUNK_CORRUPT']);
  }), { ...RUNS, numRuns: 200 });
  fc.assert(fc.property(fc.oneof(fc.uint8Array({ maxLength: 200 }), fc.anything().map((any) => Buffer.from(JSON.stringify(any) ?? ''))), (bytes) => {
    accepted(() => decodeDescriptor(bytes), ['BC_DESCRIPTOR_MALFORMED', 'BC_FORMAT_VERSION']);
  }), { ...RUNS, numRuns: 1000 });
});
