/** What is refused of a file that says it is an exported layer. */
import { encode } from '@ipld/dag-cbor';
import t from 'tap';
import { chunkCid, type Digest } from '../../../src/chunking/digest.ts';
import { hash } from '../../../src/chunking/hash.ts';
import { writeCar, type CarBlock } from '../../../src/manifest/car.ts';
import { encodeExportRecord } from '../../../src/wan/export-record.ts';
import { readLayerCar } from '../../../src/wan/layer-car.ts';
import { each, makeLayer, noiseFiles } from '../../doubles/test-core.ts';

const layer = makeLayer(noiseFiles(20, 3000));
const recordBytes = encodeExportRecord({ name: 'app', version: '1', descriptor: layer.descriptor, bases: [] });
const record: CarBlock = { digest: hash(recordBytes), bytes: recordBytes, kind: 'node' };
const all: readonly CarBlock[] = layer.blocks;
const descriptor = all.find(({ digest }) => digest === layer.descriptor) as CarBlock;
const nodes = all.filter(({ digest, kind }) => kind === 'node' && digest !== layer.descriptor).reverse();
const chunks = all.filter(({ kind }) => kind === 'chunk');
const good = [record, descriptor, ...nodes, ...chunks];
const roots = [layer.descriptor, record.digest];

async function car(blocks: readonly CarBlock[], of: readonly Digest[] = roots): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  for await (const piece of writeCar(of, each(blocks))) pieces.push(piece);
  return Buffer.concat(pieces);
}

/** Answers how many blocks came. */
async function read(bytes: Uint8Array): Promise<number> {
  const { blocks } = await readLayerCar(each([bytes.subarray(0, 100), bytes.subarray(100)]));
  let count = 0;
  for await (const _ of blocks) count += 1;
  return count;
}

void t.test('a good one', async (t) => {
  const { record: found, descriptor: described, blocks } = await readLayerCar(each([await car(good)]));
  t.same(found, { name: 'app', version: '1', descriptor: layer.descriptor, bases: [] });
  t.match(described, { kind: 'base', tree: layer.root, chunks: 20 });
  const came: CarBlock[] = [];
  for await (const block of blocks) came.push(block);
  t.same(came.map(({ digest, kind }) => `${kind} ${digest}`), good.slice(1).map(({ digest, kind }) => `${kind} ${digest}`));
  t.equal(await read(await car([record, descriptor])), 1, 'what is missing is for the core to find');
});

void t.test('blocks that do not belong to the layer', async (t) => {
  const other = Buffer.from('nobody names this');
  const stranger: CarBlock = { digest: hash(other), bytes: other, kind: 'chunk' };
  const cases: readonly (readonly [string, readonly CarBlock[], RegExp])[] = [
    ['a chunk that nothing names', [...good, stranger], /nothing before the chunk/],
    ['a chunk before its leaf', [record, descriptor, chunks[0] as CarBlock, ...nodes], /nothing before the chunk/],
    ['a node that nothing names', [...good, { digest: record.digest, bytes: record.bytes, kind: 'node' }], /nothing before the node/],
    ['a node twice', [record, descriptor, ...nodes, ...nodes], /nothing before the node|twice/],
    ['chunks twice', [...good, chunks[0] as CarBlock], /come twice/],
    ['no record', [descriptor, ...nodes], /its record is not where it belongs/],
    ['no descriptor', [record, ...nodes], /its descriptor is not where it belongs/],
    ['nothing', [], /its record is not where it belongs/],
  ];
  for (const [what, blocks, message] of cases) await t.rejects(car(blocks).then(read), { code: 'BC_EXPORT_MALFORMED', message }, what);
  await t.rejects(car(good, [layer.root]).then(read), { code: 'BC_EXPORT_MALFORMED', message: /this is another CAR/ }, 'another CAR');
  await t.rejects(car(good, [...roots, layer.root]).then(read), { code: 'BC_EXPORT_MALFORMED', message: /this is another CAR/ });
  await t.rejects(car(good, [layer.root, record.digest]).then(read), { code: 'BC_EXPORT_MALFORMED', message: /names another descriptor/ });
});

void t.test('bytes that are no CAR, or not these blocks', async (t) => {
  const bytes = await car(good);
  const varint = (value: number): Buffer => Buffer.of((value & 0x7f) | 0x80, value >> 7);
  const section = (cid: Uint8Array, block: Uint8Array): Buffer => Buffer.concat([varint(cid.length + block.length), cid, block]);
  const raw = Buffer.alloc(300, 1);
  await t.rejects(read(bytes.subarray(0, -1)), { code: 'BC_EXPORT_MALFORMED', message: /ends 1 bytes before/ }, 'cut off');
  await t.rejects(read(bytes.subarray(0, 20)), { code: 'BC_EXPORT_MALFORMED' }, 'cut off in its header');
  await t.rejects(read(Buffer.alloc(0)), { code: 'BC_EXPORT_MALFORMED', message: /empty/ });
  await t.rejects(read(Buffer.concat([bytes, Buffer.alloc(8, 0xff)])), { code: 'BC_EXPORT_MALFORMED', message: /length of more than/ }, 'a length without end');
  await t.rejects(read(Buffer.concat([bytes, Buffer.of(0xff, 0xff, 0xff, 0x7f)])), { code: 'BC_EXPORT_MALFORMED', message: /a section of/ }, 'a section too large');
  await t.rejects(read(Buffer.concat([bytes, section(Buffer.concat([Buffer.of(1, 0x70), chunkCid(hash(raw)).bytes.subarray(2)]), raw)])), { code: 'BC_EXPORT_MALFORMED', message: /a CID that starts/ }, 'another codec');
  await t.rejects(read(Buffer.concat([bytes, section(chunkCid(hash(raw)).bytes, Buffer.alloc(300, 2))])), { code: 'BC_CHUNK_CORRUPT' }, 'wrong bytes');
  const rotten = Buffer.from(bytes);
  rotten[bytes.length - 7] = (rotten[bytes.length - 7] as number) ^ 1;
  await t.rejects(read(rotten), { code: 'BC_CHUNK_CORRUPT' }, 'a bit that turned');
  const nonsense = encode(['no', 'node']);
  const lie: CarBlock = { digest: hash(nonsense), bytes: nonsense, kind: 'node' };
  await t.rejects(car([record, lie], roots).then(read), { code: 'BC_EXPORT_MALFORMED' });
  const strange = encodeExportRecord({ name: 'app', version: '1', descriptor: lie.digest, bases: [] });
  await t.rejects(car([{ digest: hash(strange), bytes: strange, kind: 'node' }, lie], [lie.digest, hash(strange)]).then(read), { code: 'BC_DESCRIPTOR_MALFORMED' });
});
