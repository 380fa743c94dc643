import t from 'tap';
import { constants, crc32, zstdCompressSync } from 'node:zlib';
import { CHUNK_BYTES_MAX, FRAME_RAW_BYTES_MAX, FRAME_STORED_BYTES_MAX } from '../../../src/base/limits/frames.ts';
import { hash } from '../../../src/chunking/hash.ts';
import { decodeFrame, decodeOwnFrame } from '../../../src/store/frame-decode.ts';
import { encodeFrame, encodeFrameInPlace, type Chunk } from '../../../src/store/frame-encode.ts';
import { parseFrameHeader } from '../../../src/store/frame-header.ts';
import { chunkOf, noise, plain, prose, u16, u32 } from './chunks.ts';

const chunks = [chunkOf(prose(40_000)), chunkOf(prose(20_000, 7)), chunkOf(Buffer.from('x'))];

await t.test('a frame gives back its chunks, compressed or stored', async (t) => {
  for (const [name, input, codec] of [
    ['compressible', chunks, 'zstd'],
    ['incompressible', [chunkOf(noise(50_000)), chunkOf(noise(10))], 'stored'],
    ['one byte', [chunkOf(Buffer.from('x'))], 'stored'],
  ] as const) {
    const frame = encodeFrame(input);
    const header = parseFrameHeader(frame);
    t.equal(header?.codec, codec, name);
    t.equal(header?.storedBytes, frame.byteLength);
    t.same(plain(decodeFrame(frame)), plain(input));
  }
  t.equal(parseFrameHeader(encodeFrame(chunks, { codec: 'stored' }))?.codec, 'stored');
  t.ok(encodeFrame(chunks, { level: 19 }).byteLength <= encodeFrame(chunks, { level: 1 }).byteLength);
});

await t.test('a frame made in place is the same, in memory that stays with the caller', async (t) => {
  for (const [name, input] of [['compressible', chunks], ['incompressible', [chunkOf(noise(50_000)), chunkOf(noise(10))]]] as const) {
    const memory = new Uint8Array(FRAME_STORED_BYTES_MAX);
    memory.set(Buffer.concat(input.map(({ bytes }) => bytes)));
    const bytes = encodeFrameInPlace(memory, input.map((chunk) => ({ digest: chunk.digest, bytes: chunk.bytes.byteLength })));
    t.ok(Buffer.from(memory.subarray(0, bytes)).equals(encodeFrame(input)), name);
  }
});

await t.test('only the wanted chunks come', async (t) => {
  const frame = encodeFrame(chunks);
  const one = chunks[1] as Chunk;
  t.same(plain(decodeFrame(frame, { only: new Set([one.digest]) })), plain([one]));
  t.same(decodeFrame(frame, { only: new Set([hash(Buffer.from('other'))]) }), []);
});

await t.test('a chunk that is given twice stands in a frame once', async (t) => {
  const [first] = chunks as [Chunk];
  t.equal(parseFrameHeader(encodeFrame([first, first]))?.chunks.length, 1);
});

await t.test('what no frame can hold is refused', async (t) => {
  const full = noise(CHUNK_BYTES_MAX);
  const nine = Array.from({ length: FRAME_RAW_BYTES_MAX / CHUNK_BYTES_MAX + 1 }, (_, i) => ({ digest: hash(Buffer.from([i])), bytes: full }));
  t.throws(() => encodeFrame([]), { code: 'BC_LIMIT_EXCEEDED' });
  t.throws(() => encodeFrame(nine), { code: 'BC_LIMIT_EXCEEDED' });
  t.throws(() => encodeFrame([{ digest: hash(full), bytes: new Uint8Array(0) }]), { code: 'BC_LIMIT_EXCEEDED' });
  t.throws(() => encodeFrame([{ digest: hash(full), bytes: noise(CHUNK_BYTES_MAX + 1) }]), { code: 'BC_LIMIT_EXCEEDED' });
  t.equal(decodeFrame(encodeFrame(nine.slice(0, 1).map(() => chunkOf(full)))).length, 1, 'the largest chunk fits');
});

await t.test('a header asks for more bytes until it is whole', async (t) => {
  const frame = encodeFrame(chunks);
  const headerBytes = parseFrameHeader(frame)?.payloadOffset as number;
  for (let length = 0; length < headerBytes; length += 1) t.equal(parseFrameHeader(frame.subarray(0, length)), undefined);
  t.equal(parseFrameHeader(frame.subarray(0, headerBytes))?.chunks.length, chunks.length);
  t.throws(() => parseFrameHeader(Buffer.from('BCX')), { code: 'BC_FRAME_MALFORMED' }, 'a wrong magic is refused at once');
});

await t.test('a flipped bit anywhere, a byte too few or too many: refused', async (t) => {
  const frame = encodeFrame([chunkOf(prose(300)), chunkOf(prose(100, 3))]);
  for (let bit = 0; bit < frame.byteLength * 8; bit += 1) {
    const bad = Uint8Array.from(frame);
    bad[bit >> 3] = (bad[bit >> 3] as number) ^ (1 << (bit & 7));
    t.throws(() => decodeFrame(bad), { code: 'BC_FRAME_MALFORMED' });
    t.throws(() => decodeOwnFrame(bad), { code: 'BC_FRAME_MALFORMED' });
  }
  t.throws(() => decodeFrame(frame.subarray(0, -1)), { code: 'BC_FRAME_MALFORMED' });
  t.throws(() => decodeFrame(Buffer.concat([frame, Buffer.from([0])])), { code: 'BC_FRAME_MALFORMED' });
});

await t.test('a lie with right checksums is found by the digests', async (t) => {
  const lie = { digest: hash(Buffer.from('true')), bytes: Buffer.from('lies') };
  for (const codec of ['stored', 'zstd'] as const) {
    const frame = encodeFrame([{ ...lie, bytes: Buffer.alloc(500, lie.bytes) }], { codec });
    t.throws(() => decodeFrame(frame), { code: 'BC_CHUNK_CORRUPT', details: { digest: lie.digest } });
    t.same(decodeOwnFrame(frame).map(({ digest }) => digest), [lie.digest], 'and believed of a frame that was verified before');
  }
});

/** A frame whose checksums are right whatever its fields say: what only an adversary would send. */
function forge(fields: { codec?: number; reserved?: number; count?: number; raw?: number; payload: Buffer; table: readonly [Buffer, number][] }): Buffer {
  const table = Buffer.concat(fields.table.map(([digest, length]) => Buffer.concat([digest, u32(length)])));
  const sum = fields.table.reduce((total, [, length]) => total + length, 0);
  const head = Buffer.concat([
    Buffer.from('BCF1'), Buffer.from([fields.codec ?? 1, fields.reserved ?? 0]), u16(fields.count ?? fields.table.length),
    u32(fields.raw ?? sum), u32(fields.payload.byteLength), u32(crc32(fields.payload)), table,
  ]);
  return Buffer.concat([head, u32(crc32(head)), fields.payload]);
}

await t.test('forged frames with right checksums are refused within their bounds', async (t) => {
  const digest = Buffer.alloc(32, 1);
  const other = Buffer.alloc(32, 2);
  const bomb = zstdCompressSync(Buffer.alloc(64 * 1024 * 1024));
  const wide = zstdCompressSync(Buffer.alloc(100), { params: { [constants.ZSTD_c_contentSizeFlag]: 0, [constants.ZSTD_c_windowLog]: 27 } });
  const cases: Record<string, Buffer> = {
    'decompression bomb': forge({ payload: bomb, table: [[digest, 100_000]] }),
    'shorter than it says': forge({ payload: zstdCompressSync(Buffer.alloc(100)), table: [[digest, 101]] }),
    'not zstd': forge({ payload: Buffer.alloc(50, 7), table: [[digest, 100]] }),
    'unknown codec': forge({ codec: 2, payload: Buffer.alloc(50), table: [[digest, 100]] }),
    'reserved byte set': forge({ reserved: 1, payload: Buffer.alloc(50), table: [[digest, 100]] }),
    'payload larger than raw': forge({ payload: Buffer.alloc(101), table: [[digest, 100]] }),
    'stored payload of another length': forge({ codec: 0, payload: Buffer.alloc(99), table: [[digest, 100]] }),
    'empty payload': forge({ payload: Buffer.alloc(0), table: [[digest, 100]] }),
    'no chunks': forge({ payload: Buffer.alloc(0), table: [] }),
    'empty chunk': forge({ payload: Buffer.alloc(50), table: [[digest, 100], [other, 0]] }),
    'chunk too large': forge({ payload: Buffer.alloc(50), table: [[digest, CHUNK_BYTES_MAX + 1]] }),
    'frame too large': forge({ payload: Buffer.alloc(50), table: Array.from({ length: 9 }, (_, i) => [Buffer.alloc(32, i), CHUNK_BYTES_MAX]) }),
    'sum of chunks differs': forge({ raw: 99, payload: Buffer.alloc(50), table: [[digest, 100]] }),
    'a chunk twice': forge({ payload: Buffer.alloc(50), table: [[digest, 100], [digest, 100]] }),
  };
  for (const [name, frame] of Object.entries(cases)) t.throws(() => decodeFrame(frame), { code: 'BC_FRAME_MALFORMED' }, name);
  t.throws(() => decodeFrame(forge({ payload: wide, table: [[digest, 100]] })), /BC_|malformed|digest/);
});
