import { CarReader, CarWriter } from '@ipld/car';
import { encode } from '@ipld/dag-cbor';
import { CID } from 'multiformats/cid';
import { sha256 } from 'multiformats/hashes/sha2';
import t from 'tap';
import { NODE_BYTES_MAX } from '../../../src/base/limits/manifests.ts';
import { chunkCid, nodeCid } from '../../../src/chunking/digest.ts';
import { hash } from '../../../src/chunking/hash.ts';
import { openCar, readCar, writeCar, type CarBounds } from '../../../src/manifest/car.ts';
import type { ManifestBlock } from '../../../src/manifest/entry.ts';
import { BlockMap } from '../../doubles/block-map.ts';
import { seededTree } from '../../doubles/seeded-tree.ts';

const map = new BlockMap();
const built = map.build(seededTree(21, 600).values());
const blocks = [...map.blocks].map(([digest, bytes]) => ({ digest, bytes: Buffer.from(bytes) }));
const car = await collect(writeCar([built.root], map.manifest(built.root).blocks()));

async function collect(pieces: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const all: Uint8Array[] = [];
  for await (const piece of pieces) all.push(piece);
  return Buffer.concat(all);
}

async function* inPieces(bytes: Uint8Array, pieceBytes: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += pieceBytes) {
    yield bytes.subarray(at, at + pieceBytes);
    yield Buffer.alloc(0);
  }
}

async function read(bytes: Uint8Array, pieceBytes = bytes.length, bounds?: CarBounds): Promise<ManifestBlock[]> {
  const found: ManifestBlock[] = [];
  for await (const { digest, bytes: held } of readCar(inPieces(bytes, pieceBytes), bounds)) found.push({ digest, bytes: held });
  return found;
}

const byDigest = (a: ManifestBlock, b: ManifestBlock): number => (a.digest < b.digest ? -1 : 1);

void t.test('what is written reads back, however it is cut', async (t) => {
  for (const pieceBytes of [97, 4096, car.length]) t.same((await read(car, pieceBytes)).sort(byDigest), blocks.toSorted(byDigest), `${pieceBytes} bytes at a time`);
  const few = blocks.slice(0, 3);
  const small = await collect(writeCar([built.root], (async function* () { yield* few; })()));
  t.same(await read(small, 1), few, 'byte by byte');
  t.same(await read(await collect(writeCar([built.root], (async function* () {})()))), [], 'no blocks');
});

void t.test('@ipld/car reads what is written here', async (t) => {
  const reader = await CarReader.fromBytes(car);
  t.same((await reader.getRoots()).map(String), [nodeCid(built.root).toString()]);
  let count = 0;
  for await (const { cid, bytes } of reader.blocks()) {
    t.ok(cid.equals(nodeCid(hash(bytes))));
    count += 1;
  }
  t.equal(count, blocks.length);
});

void t.test('what @ipld/car writes is read here', async (t) => {
  const { writer, out } = CarWriter.create([nodeCid(built.root)]);
  const written = collect(out);
  for (const { digest, bytes } of blocks) await writer.put({ cid: nodeCid(digest), bytes });
  const raw = Buffer.from('a chunk');
  await writer.put({ cid: chunkCid(hash(raw)), bytes: raw });
  await writer.close();
  t.same(await read(await written), [...blocks, { digest: hash(raw), bytes: raw }]);
});

void t.test('roots, and chunks beside nodes', async (t) => {
  const raw = Buffer.from('a chunk');
  const mixed = [{ ...(blocks[0] as ManifestBlock), kind: 'node' as const }, { digest: hash(raw), bytes: raw, kind: 'chunk' as const }];
  const bytes = await collect(writeCar([built.root, hash(raw)], (async function* () { yield* mixed; })()));
  const { roots, blocks: read } = await openCar(inPieces(bytes, 50));
  t.same(roots.map(String), [built.root, hash(raw)].map((root) => nodeCid(root).toString()));
  const found: object[] = [];
  for await (const block of read) found.push(block);
  t.same(found, mixed);
  t.ok((await CarReader.fromBytes(bytes)).has(chunkCid(hash(raw))));
});

void t.test('blocks are memory of their own', async (t) => {
  const bytes = Buffer.from(car);
  const found = await read(bytes);
  bytes.fill(0);
  t.ok(found.every((block) => hash(block.bytes) === block.digest));
});

void t.test('streams that break the format', async (t) => {
  const header = encode({ roots: [nodeCid(built.root)], version: 1 });
  const headed = (bytes: Uint8Array): Buffer => Buffer.concat([Buffer.of(bytes.length), bytes]);
  const start = headed(header);
  const block = blocks[0] as ManifestBlock;
  const section = (cid: CID, bytes: Uint8Array): Buffer => {
    const length = cid.bytes.length + bytes.length;
    return Buffer.concat([start, Buffer.of((length & 0x7f) | 0x80, length >> 7), cid.bytes, bytes]);
  };
  const small = Buffer.alloc(200, 7);
  t.same((await read(section(chunkCid(hash(small)), small))).length, 1);
  const cases: readonly (readonly [string, Uint8Array, RegExp])[] = [
    ['nothing', Buffer.alloc(0), /it is empty/],
    ['an endless length', Buffer.alloc(20, 0xff), /length of more than 5 bytes/],
    ['a length cut off', Buffer.of(0x80), /middle of a length/],
    ['a header too large', Buffer.of(0x81, 0x20), /header of 4097 bytes/],
    ['a header that is no CBOR', Buffer.of(1, 0xff), /header is not DAG-CBOR/],
    ['CARv2', headed(encode({ version: 2 })), /not that of a CARv1/],
    ['a header that is null', Buffer.of(1, 0xf6), /not that of a CARv1/],
    ['roots that are no CIDs', headed(encode({ roots: [1], version: 1 })), /not that of a CARv1/],
    ['a section of nothing', Buffer.concat([start, Buffer.of(0)]), /a section of 0 bytes/],
    ['a section without a block', Buffer.concat([start, Buffer.of(36)]), /a section of 36 bytes/],
    ['a section too large', Buffer.concat([start, Buffer.of(0xa5, 0x80, 0xc0, 0x00)]), /a section of 1048613 bytes/],
    ['a section of 34 GB', Buffer.concat([start, Buffer.of(0xff, 0xff, 0xff, 0xff, 0x7f)]), /a section of 34359738367 bytes/],
    ['a section cut off', section(chunkCid(hash(small)), small).subarray(0, -1), /ends 1 bytes before/],
    ['CIDv0', section(CID.createV0(await sha256.digest(small)), small), /a CID that starts/],
    ['another codec', section(CID.createV1(0x70, chunkCid(hash(small)).multihash), small), /a CID that starts/],
    ['another hash', section(CID.createV1(0x55, await sha256.digest(small)), small), /a CID that starts/],
  ];
  for (const [what, bytes, message] of cases) await t.rejects(read(bytes), { code: 'BC_PROTOCOL', message }, what);
  await t.rejects(read(section(nodeCid(block.digest), small)), { code: 'BC_CHUNK_CORRUPT', details: { digest: block.digest } }, 'wrong bytes');
});

void t.test('bounds', async (t) => {
  await t.rejects(read(car, 1000, { totalBytesMax: car.length - 1 }), { code: 'BC_PROTOCOL', message: /larger than its bound/ });
  t.equal((await read(car, 1000, { totalBytesMax: car.length })).length, blocks.length);
  const largest = Math.max(...blocks.map(({ bytes }) => bytes.length));
  await t.rejects(read(car, 1000, { blockBytesMax: largest - 1 }), { code: 'BC_PROTOCOL', message: /section of/ });
  t.ok(largest < NODE_BYTES_MAX);
  // A section that is refused is not waited for: the stream after its length is never read.
  let asked = 0;
  async function* endless(): AsyncGenerator<Uint8Array> {
    const header = encode({ roots: [nodeCid(built.root)], version: 1 });
    yield Buffer.concat([Buffer.of(header.length), header, Buffer.of(0xff, 0xff, 0xff, 0x7f)]);
    for (;;) {
      asked += 1;
      yield Buffer.alloc(1024);
    }
  }
  await t.rejects(async () => {
    for await (const _ of readCar(endless()));
  }, { code: 'BC_PROTOCOL' });
  t.equal(asked, 0);
});

void t.test('a reader that stops lets go of the stream', async (t) => {
  let closed = false;
  async function* stream(): AsyncGenerator<Uint8Array> {
    try {
      yield* inPieces(car, 100);
    } finally {
      closed = true;
    }
  }
  for await (const _ of readCar(stream())) break;
  t.ok(closed);
});
