import t from 'tap';
import { brotliCompressSync, constants, crc32, zstdCompressSync } from 'node:zlib';
import { DELTA_BASE_BYTES_MAX, DELTA_BASE_CHUNKS_MAX, DELTA_CHUNKS_MAX, DELTA_RAW_BYTES_MAX } from '../../../src/base/limits/deltas.ts';
import { CHUNK_BYTES_MAX } from '../../../src/base/limits/frames.ts';
import { decodeDelta } from '../../../src/delta/delta-decode.ts';
import { encodeDelta } from '../../../src/delta/delta-encode.ts';
import { decodeDifferences } from '../../../src/delta/differences.ts';
import { parseDeltaHeader } from '../../../src/delta/delta-header.ts';
import { splitDeltas } from '../../../src/delta/delta-stream.ts';
import type { Chunk } from '../../../src/store/frame-encode.ts';
import { each } from '../../doubles/test-core.ts';
import { chunkOf, noise, plain, u16, u32 } from '../store/chunks.ts';

const old = [chunkOf(noise(30_000, 1)), chunkOf(noise(20_000, 2))];
const base = Buffer.concat(old.map(({ bytes }) => bytes));
const fresh = [chunkOf(edited(old[0] as Chunk)), chunkOf(edited(old[1] as Chunk)), chunkOf(Buffer.from('x'))];
const delta = encodeDelta(fresh, old, 51_000) as Uint8Array;
const bomb = brotliCompressSync(Buffer.alloc(64 * 1024 * 1024));

function edited({ bytes }: Chunk): Buffer {
  const copy = Buffer.from(bytes);
  copy.write('something else', bytes.byteLength >> 1);
  return copy;
}

await t.test('a delta frame gives back its chunks, and is a small part of them', async (t) => {
  t.same(plain(decodeDelta(delta, base)), plain(fresh));
  t.ok(delta.byteLength < 400, `${delta.byteLength} bytes for 50,001 that do not compress`);
  t.match(parseDeltaHeader(delta), {
    chunks: fresh.map(({ digest, bytes }) => ({ digest, bytes: bytes.byteLength })), base: old.map(({ digest, bytes }) => ({ digest, bytes: bytes.byteLength })),
    rawBytes: 50_001, baseBytes: 50_000, fullBytes: 51_000, deltaBytes: delta.byteLength,
  });
});

await t.test('without a base the chunks are compressed on their own', async (t) => {
  const texts = [chunkOf(Buffer.from('to be or not to be '.repeat(300))), chunkOf(Buffer.from('that is the question '.repeat(300)))];
  const alone = encodeDelta(texts, [], 5000) as Uint8Array;
  t.match(parseDeltaHeader(alone), { base: [], baseBytes: 0, fullBytes: 5000 });
  t.same(plain(decodeDelta(alone, new Uint8Array(0))), plain(texts));
  t.throws(() => decodeDelta(alone, Buffer.of(1)), { code: 'BC_FRAME_MALFORMED' });
});

await t.test('what does not get smaller is no delta', async (t) => {
  t.equal(encodeDelta([chunkOf(noise(10_000, 9))], old, 10_000), undefined);
});

await t.test('what is mostly new is a delta if it compresses, and is given up by a sample of it if not', async (t) => {
  const [kept, text] = [noise(20_000, 1), Buffer.from('to be or not to be '.repeat(30_000))];
  const mixed = (unlike: Uint8Array): Chunk[] => [chunkOf(Buffer.concat([kept, unlike]))];
  t.ok((encodeDelta(mixed(text), old, 100_000) as Uint8Array).byteLength < 1000);
  t.equal(encodeDelta(mixed(noise(500_000, 5)), old, 520_000), undefined);
});

await t.test('a base that zstd would take for a dictionary of its own form is refused with zstd, and as good as any other without', async (t) => {
  const formatted = chunkOf(Buffer.concat([Buffer.from('37a430ec', 'hex'), noise(5000, 3)]));
  const copy = [chunkOf(edited(formatted))];
  t.same(plain(decodeDelta(encodeDelta(copy, [formatted], 5000) as Uint8Array, formatted.bytes)), plain(copy));
  const forged = forge({ chunks: [copy[0] as Chunk], base: [formatted], payload: zstdCompressSync(Buffer.alloc(100)) });
  t.throws(() => decodeDelta(forged, formatted.bytes), { code: 'BC_FRAME_MALFORMED' });
});

await t.test('against another base the result is refused, not handed on', async (t) => {
  const other = Buffer.from(base);
  other.fill(7, 0, 25_000);
  t.throws(() => decodeDelta(delta, other), { name: 'BranchcastError' });
  t.throws(() => decodeDelta(delta, base.subarray(1)), { code: 'BC_FRAME_MALFORMED' });
});

await t.test('a flipped bit anywhere, a byte too few or too many: refused', async (t) => {
  for (let bit = 0; bit < delta.byteLength * 8; bit += 1) {
    const bad = Uint8Array.from(delta);
    bad[bit >> 3] = (bad[bit >> 3] as number) ^ (1 << (bit & 7));
    t.throws(() => decodeDelta(bad, base), { code: 'BC_FRAME_MALFORMED' });
  }
  for (let length = 0; length < delta.byteLength; length += 1) t.throws(() => decodeDelta(delta.subarray(0, length), base), { code: 'BC_FRAME_MALFORMED' });
  t.throws(() => decodeDelta(Buffer.concat([delta, Buffer.of(0)]), base), { code: 'BC_FRAME_MALFORMED' });
});

interface Forged {
  readonly codec?: number;
  readonly reserved?: number;
  readonly chunkCount?: number;
  readonly baseCount?: number;
  readonly raw?: number;
  readonly baseBytes?: number;
  readonly payload: Buffer;
  readonly chunks: readonly (Chunk | { digest: string; bytes: { byteLength: number } })[];
  readonly base: readonly (Chunk | { digest: string; bytes: { byteLength: number } })[];
}

/** A delta frame whose checksums are right whatever its fields say: what only an adversary would send. */
function forge(fields: Forged): Buffer {
  const sum = (list: Forged['chunks']): number => list.reduce((total, { bytes }) => total + bytes.byteLength, 0);
  const table = [...fields.chunks, ...fields.base].map(({ digest, bytes }) => Buffer.concat([Buffer.from(digest, 'hex'), u32(bytes.byteLength)]));
  const head = Buffer.concat([
    Buffer.from('BCD1'), Buffer.of(fields.codec ?? 1, fields.reserved ?? 0), u16(fields.chunkCount ?? fields.chunks.length), u16(fields.baseCount ?? fields.base.length), u16(0),
    u32(fields.raw ?? sum(fields.chunks)), u32(fields.baseBytes ?? sum(fields.base)), u32(0), u32(fields.payload.byteLength), u32(crc32(fields.payload)), ...table,
  ]);
  return Buffer.concat([head, u32(crc32(head)), fields.payload]);
}

await t.test('chunks of the base that are of no use are left out of it', async (t) => {
  const useless = chunkOf(noise(25_000, 7));
  const narrow = encodeDelta(fresh, [old[0] as Chunk, useless, old[1] as Chunk], 51_000) as Uint8Array;
  t.same(parseDeltaHeader(narrow)?.base, parseDeltaHeader(delta)?.base);
  t.same(plain(decodeDelta(narrow, base)), plain(fresh));
});

/** The payload of a delta frame of differences, its sections stored as they are unless other lengths are given. */
function differences({ lengths = [], sections }: { readonly lengths?: readonly (readonly [raw: number, stored: number])[]; readonly sections: readonly (readonly number[])[] }): Buffer {
  const table = sections.flatMap(({ length }, index) => [u32(lengths[index]?.[0] ?? length), u32(lengths[index]?.[1] ?? length)]);
  return Buffer.concat([...table, ...sections.map((section) => Buffer.from(section))]);
}

await t.test('forged differences are refused within their bounds', async (t) => {
  const digits = Buffer.from('0123456789');
  const padding = Array.from({ length: 190 }, () => 0x78);
  const decode = (payload: Buffer): string => Buffer.from(decodeDifferences(payload, digits, 200)).toString();
  /** Ten bytes copied, 190 extra. */
  const steps = [10, 0xbe, 0x01];
  t.equal(decode(differences({ sections: [steps, [7, 1], [1], padding] })), `0123456889${'x'.repeat(190)}`, 'what is right is read');
  const bad: Record<string, Buffer> = {
    'no lengths': Buffer.alloc(31),
    'no steps': differences({ sections: [[], [7, 1], [1], padding] }),
    'half a step': differences({ sections: [[10], [7, 1], [1], padding] }),
    'half a seek': differences({ sections: [[...steps, 0x80], [7, 1], [1], padding] }),
    'an endless number': differences({ sections: [[0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 10, ...steps], [7, 1], [1], padding] }),
    'a copy beyond the base': differences({ sections: [[11, 0xbd, 0x01], [7, 1], [1], padding.slice(1)] }),
    'a seek before the base': differences({ sections: [[0, 0, 1, ...steps], [7, 1], [1], padding] }),
    'a seek beyond the base': differences({ sections: [[10, 0, 2, 0, 0xbe, 0x01], [7, 1], [1], padding] }),
    'more extra than there is': differences({ sections: [steps, [7, 1], [1], padding.slice(1)] }),
    'extra that is left over': differences({ sections: [[10, 0xbd, 0x01], [7, 1], [1], padding] }),
    'more than the raw bytes': differences({ sections: [[...steps, 19, 10, 0], [7, 1], [1], padding] }),
    'a change that is not there': differences({ sections: [steps, [7, 2], [1], padding] }),
    'a change of nothing': differences({ sections: [steps, [7, 0], [], padding] }),
    'changes that are left over': differences({ sections: [steps, [7, 1], [1, 1], padding] }),
    'a gap beyond the copies': differences({ sections: [steps, [10, 1], [1], padding] }),
    'half a gap': differences({ sections: [steps, [7, 1, 1], [1], padding] }),
    'bytes after the sections': Buffer.concat([differences({ sections: [steps, [7, 1], [1], padding] }), Buffer.of(0)]),
    'sections that end early': differences({ lengths: [[3, 3], [2, 2], [1, 1], [191, 191]], sections: [steps, [7, 1], [1], padding] }),
    'a section larger than it may be': differences({ lengths: [[3, 3], [2, 2], [1, 1], [300, 190]], sections: [steps, [7, 1], [1], padding] }),
    'a section stored longer than it is': differences({ lengths: [[3, 3], [2, 2], [0, 1]], sections: [steps, [7, 1], [1], padding] }),
    'a section that is not brotli': differences({ lengths: [[3, 3], [2, 2], [1, 1], [190, 20]], sections: [steps, [7, 1], [1], padding.slice(0, 20)] }),
    'a section that is longer than it says': differences({ lengths: [[3, 3], [2, 2], [1, 1], [190, bomb.byteLength]], sections: [steps, [7, 1], [1], [...bomb]] }),
  };
  for (const [name, payload] of Object.entries(bad)) t.throws(() => decode(payload), { code: 'BC_FRAME_MALFORMED' }, name);
});

await t.test('forged delta frames with right checksums are refused within their bounds', async (t) => {
  const chunk = (bytes: number, at = 1): { digest: string; bytes: { byteLength: number } } => ({ digest: Buffer.alloc(32, at).toString('hex'), bytes: { byteLength: bytes } });
  const small = { chunks: [chunk(100)], payload: zstdCompressSync(Buffer.alloc(100)) };
  const cases: Record<string, Buffer> = {
    'a bomb': forge({ chunks: [chunk(100_000)], base: old, payload: zstdCompressSync(Buffer.alloc(64 * 1024 * 1024)) }),
    'shorter than it says': forge({ chunks: [chunk(101)], base: old, payload: zstdCompressSync(Buffer.alloc(100)) }),
    'not zstd': forge({ ...small, base: old, payload: Buffer.alloc(50, 7) }),
    'unknown codec': forge({ ...small, base: old, codec: 0 }),
    'reserved byte set': forge({ ...small, base: old, reserved: 1 }),
    'no base': forge({ ...small, base: [] }),
    'no chunks': forge({ ...small, chunks: [], base: old }),
    'payload as long as what it holds': forge({ ...small, base: old, payload: Buffer.alloc(100) }),
    'empty payload': forge({ ...small, base: old, payload: Buffer.alloc(0) }),
    'a chunk twice': forge({ chunks: [chunk(50), chunk(50)], base: old, payload: small.payload }),
    'a base chunk twice': forge({ ...small, base: [old[0] as Chunk, old[0] as Chunk] }),
    'an empty chunk': forge({ chunks: [chunk(100), chunk(0, 2)], base: old, payload: small.payload }),
    'a chunk too large': forge({ ...small, base: [chunk(CHUNK_BYTES_MAX + 1)] }),
    'sums that differ': forge({ ...small, base: old, raw: 99 }),
    'base sums that differ': forge({ ...small, base: old, baseBytes: 99 }),
    'too much raw': forge({ chunks: Array.from({ length: 5 }, (_, at) => chunk(DELTA_RAW_BYTES_MAX / 4, at)), base: old, payload: small.payload }),
    'too much base': forge({ ...small, base: Array.from({ length: 5 }, (_, at) => chunk(DELTA_BASE_BYTES_MAX / 4, at)) }),
    'too many chunks': forge({ ...small, base: old, chunkCount: DELTA_CHUNKS_MAX + 1 }),
    'too many base chunks': forge({ ...small, base: old, baseCount: DELTA_BASE_CHUNKS_MAX + 1 }),
  };
  for (const [name, frame] of Object.entries(cases)) t.throws(() => decodeDelta(frame, base), { code: 'BC_FRAME_MALFORMED' }, name);
  const wide = zstdCompressSync(Buffer.alloc(100), { params: { [constants.ZSTD_c_contentSizeFlag]: 0, [constants.ZSTD_c_windowLog]: 27 } });
  t.throws(() => decodeDelta(forge({ ...small, base: old, payload: wide }), base), { name: 'BranchcastError' });
  t.throws(() => decodeDelta(forge({ ...small, base: old }), base), { code: 'BC_CHUNK_CORRUPT' }, 'a lie is found by the digests');
});

await t.test('a stream of delta frames in pieces of any size', async (t) => {
  const other = encodeDelta(fresh.slice(0, 1), old, 30_000) as Uint8Array;
  const stream = Buffer.concat([delta, other, delta]);
  for (const size of [1, 7, 100, stream.byteLength]) {
    const pieces = Array.from({ length: Math.ceil(stream.byteLength / size) }, (_, at) => stream.subarray(at * size, (at + 1) * size));
    const found: string[] = [];
    for await (const one of splitDeltas(each(pieces))) found.push(Buffer.from(one).toString('hex'));
    t.same(found, [delta, other, delta].map((one) => Buffer.from(one).toString('hex')));
  }
  const cut = async (): Promise<void> => {
    for await (const _ of splitDeltas(each([stream.subarray(0, -1)])));
  };
  await t.rejects(cut(), { code: 'BC_FRAME_MALFORMED' });
});
