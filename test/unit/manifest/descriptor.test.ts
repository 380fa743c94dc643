import { decode, encode } from '@ipld/dag-cbor';
import t from 'tap';
import { DESCRIPTOR_BYTES_MAX } from '../../../src/base/limits/manifests.ts';
import { chunkCid, nodeCid } from '../../../src/chunking/digest.ts';
import { hash } from '../../../src/chunking/hash.ts';
import { DEFAULT_CHUNKER_PARAMS } from '../../../src/chunking/params.ts';
import { decodeDescriptor, encodeDescriptor, type LayerDescriptor } from '../../../src/manifest/descriptor.ts';
import { keyFromPath } from '../../../src/manifest/key.ts';

const tree = hash(Buffer.from('tree'));
const plain: LayerDescriptor = {
  kind: 'base', tree, chunker: DEFAULT_CHUNKER_PARAMS, entries: 10, files: 5, logicalBytes: 2 ** 40, chunks: 3, chunkBytes: 2 ** 39, manifestNodes: 1, manifestBytes: 900,
};
const full: LayerDescriptor = { ...plain, kind: 'app', parent: hash(Buffer.from('parent')), removes: [keyFromPath('a'), keyFromPath('a/b'), keyFromPath(Buffer.of(0xff))] };

void t.test('there and back', (t) => {
  for (const descriptor of [plain, full, { ...plain, kind: 'driver' as const }, { ...plain, kind: 'snapshot' as const, removes: [] }]) t.same(decodeDescriptor(encodeDescriptor(descriptor)), descriptor);
  t.same(encodeDescriptor({ ...full }), encodeDescriptor(Object.fromEntries(Object.entries(full).reverse()) as unknown as LayerDescriptor), 'the order of fields is nothing');
  t.end();
});

void t.test('what is not a descriptor', (t) => {
  const good = decode<Record<string, unknown>>(encodeDescriptor(full));
  const chunker = good['chunker'] as Record<string, unknown>;
  const { kind: _kind, ...withoutKind } = good;
  const { chunks: _chunks, ...withoutChunks } = good;
  const bad: readonly (readonly [string, unknown, RegExp?])[] = [
    ['a list', []],
    ['null', null],
    ['a CID', nodeCid(tree)],
    ['bytes', Buffer.alloc(3)],
    ['version 0', { ...good, v: 0 }],
    ['no kind', withoutKind],
    ['an unknown kind', { ...good, kind: 'os' }],
    ['no chunks', withoutChunks, /"chunks" is not a count/],
    ['a negative count', { ...good, files: -1 }, /"files" is not a count/],
    ['a broken count', { ...good, files: 1.5 }, /"files" is not a count/],
    ['a huge count', { ...good, files: 2n ** 53n }],
    ['a tree that is a chunk', { ...good, tree: chunkCid(tree) }, /"tree" is not a CID/],
    ['a tree as text', { ...good, tree }, /"tree"/],
    ['a parent that is null', { ...good, parent: null }, /"parent"/],
    ['a field more', { ...good, name: 'x' }, /keys that are not known/],
    ['a chunker field more', { ...good, chunker: { ...chunker, extra: 1 } }, /keys that are not known/],
    ['another algorithm', { ...good, chunker: { ...chunker, algorithm: 'rabin' } }, /algorithm/],
    ['a chunker without sense', { ...good, chunker: { ...chunker, minBytes: 1 } }, /minBytes is 1/],
    ['chunks too large', { ...good, chunker: { ...chunker, maxBytes: 2 ** 30 } }, /maxBytes/],
    ['no chunker', { ...good, chunker: undefined }],
    ['removes what is no list', { ...good, removes: 'a' }, /"removes" is not a list/],
    ['removes the root', { ...good, removes: [Buffer.alloc(0)] }, /names the root/],
    ['removes ..', { ...good, removes: [Buffer.from('..')] }, /no path/],
    ['removes text', { ...good, removes: ['a'] }, /no path/],
    ['removes out of order', { ...good, removes: [Buffer.from('b'), Buffer.from('a')] }, /out of order/],
    ['removes twice', { ...good, removes: [Buffer.from('a'), Buffer.from('a')] }, /out of order/],
  ];
  for (const [what, value, message] of bad) {
    const bytes = value !== null && typeof value === 'object' && Object.values(value).includes(undefined) ? Buffer.of(0xa0) : encode(value);
    t.throws(() => decodeDescriptor(bytes), { code: 'BC_DESCRIPTOR_MALFORMED', ...(message === undefined ? {} : { message }) }, what);
  }
  const bytes = Buffer.from(encodeDescriptor(plain));
  t.throws(() => decodeDescriptor(Buffer.concat([bytes, Buffer.of(0)])), { code: 'BC_DESCRIPTOR_MALFORMED' }, 'a byte more');
  for (let end = 0; end < bytes.length; end += 7) t.throws(() => decodeDescriptor(bytes.subarray(0, end)), { code: 'BC_DESCRIPTOR_MALFORMED' }, `cut off at ${end}`);
  t.throws(() => decodeDescriptor(Buffer.alloc(DESCRIPTOR_BYTES_MAX + 1)), { code: 'BC_DESCRIPTOR_MALFORMED', message: /more than/ });
  t.throws(() => decodeDescriptor(Buffer.alloc(DESCRIPTOR_BYTES_MAX, 0x81)), { code: 'BC_DESCRIPTOR_MALFORMED' }, 'nested without end');
  t.throws(() => decodeDescriptor(encode({ ...good, v: 2, more: 1 })), { code: 'BC_FORMAT_VERSION' }, 'a newer version');
  t.end();
});

void t.test('what would be refused is not written', (t) => {
  t.throws(() => encodeDescriptor({ ...plain, files: -1 }), { code: 'BC_DESCRIPTOR_MALFORMED' });
  t.throws(() => encodeDescriptor({ ...plain, removes: [keyFromPath('b'), keyFromPath('a')] }), { code: 'BC_DESCRIPTOR_MALFORMED' });
  t.end();
});
