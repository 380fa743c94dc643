/** Nodes that break the format, one way each: refused with a code that is stable and a message that says where and what. */
import { encode } from '@ipld/dag-cbor';
import { CID } from 'multiformats/cid';
import * as MultihashDigest from 'multiformats/hashes/digest';
import t, { type Test } from 'tap';
import type { ErrorCode } from '../../../src/base/errors.ts';
import { CHUNK_BYTES_MAX } from '../../../src/base/limits/frames.ts';
import { NODE_BYTES_MAX } from '../../../src/base/limits/manifests.ts';
import { RAW_CODE } from '../../../src/chunking/digest.ts';
import { hash } from '../../../src/chunking/hash.ts';
import { decodeNode } from '../../../src/manifest/node.ts';
import { chunk, node } from '../../doubles/block-map.ts';

type Value = unknown;
const MALFORMED = 'BC_MANIFEST_MALFORMED';
const UNSAFE = 'BC_MANIFEST_UNSAFE';

const META = [0o755, 0, 0, 1_700_000_000, 0];
const ROOT = [0, Buffer.alloc(0), 1, META, null];
const A = chunk('a');
const LIST = node(hash(Buffer.from('list')));
const entry = (name: string | Buffer, type: Value, meta: Value, body: Value, ...extra: Value[]): Value[] => [0, Buffer.from(name as string), type, meta, body, ...extra];
const file = (body: Value, ...extra: Value[]): Value[] => entry('f', 0, META, body, ...extra);
const leaf = (entries: Value, chunks: Value = []): Value => [1, 1, chunks, entries];
const leafOf = (...entries: Value[]): Value => leaf([ROOT, ...entries]);
const interior = (level: Value, children: Value): Value => [1, 2, level, children];
const child = (name: string, ...more: Value[]): Value[] => [0, Buffer.from(name), LIST, ...more];
const wrongHash = CID.createV1(RAW_CODE, MultihashDigest.create(0x12, Buffer.alloc(32)));

function refuse(t: Test, what: string, code: ErrorCode, message: RegExp, bytes: Uint8Array): void {
  const digest = hash(bytes);
  t.throws(() => decodeNode(bytes, digest), { code, message, details: { node: digest } }, what);
}

const CASES: readonly (readonly [what: string, code: ErrorCode, message: RegExp, value: Value])[] = [
  // the envelope
  ['not an array', MALFORMED, /node is a map/, {}],
  ['an empty array', MALFORMED, /version is cut off/, []],
  ['an older version', MALFORMED, /format version 0/, [0, 1, [], [ROOT]]],
  ['a newer version', 'BC_FORMAT_VERSION', /format version 2; this branchcast knows 1/, [2, 1, [], [ROOT]]],
  ['an unknown kind', MALFORMED, /kind is 5/, [1, 5, [], [ROOT]]],
  ['kind 0', MALFORMED, /kind 0/, [1, 0, [], [ROOT]]],
  ['too many items', MALFORMED, /kind 1 with 5 items/, [1, 1, [], [ROOT], []]],
  ['too few items', MALFORMED, /kind 2 with 3 items/, [1, 2, 1]],
  ['a leaf of no entries', MALFORMED, /0 entries/, leaf([])],
  ['a leaf of too many entries', MALFORMED, /4097 entries/, leaf(Array.from({ length: 4097 }, () => 0))],
  // keys
  ['an entry of 4 items', MALFORMED, /entry 0 has 4 items/, leaf([[0, Buffer.alloc(0), 1, META]])],
  ['the first key shares', MALFORMED, /shares 1 bytes with one of 0/, leaf([[1, Buffer.from('a'), 1, META, null]])],
  ['sharing more than there is', MALFORMED, /shares 2 bytes with one of 1/, leafOf(entry('a', 1, META, null), [2, Buffer.from('b'), 1, META, null])],
  ['a key twice', MALFORMED, /key 2 does not come after/, leafOf(entry('a', 1, META, null), [1, Buffer.alloc(0), 1, META, null])],
  ['keys that descend', MALFORMED, /key 2 does not come after/, leafOf(entry('b', 1, META, null), entry('a', 1, META, null))],
  ['sharing less than could be', MALFORMED, /or shares more with it than it says/, leafOf(entry('ab', 1, META, null), entry('ac', 1, META, null))],
  ['a key as text', MALFORMED, /key is text, not bytes/, leaf([[0, '', 1, META, null]])],
  ['..', UNSAFE, /key 1: a name is "\.\."/, leafOf(entry('..', 1, META, null))],
  ['.', UNSAFE, /key 1: a name is "\."/, leafOf(entry('.', 1, META, null))],
  ['.. by way of a shared prefix', UNSAFE, /key 2: a name is "\.\."/, leafOf(entry('a\0.+', 1, META, null), [3, Buffer.from('.'), 1, META, null])],
  ['a slash', UNSAFE, /key 1: a name holds "\/"/, leafOf(entry('a/b', 1, META, null))],
  ['an absolute path', UNSAFE, /a name holds "\/"/, leafOf(entry('/etc', 1, META, null))],
  ['an empty name', UNSAFE, /a name is empty/, leafOf(entry('a\0', 1, META, null))],
  ['a name too long', MALFORMED, /256 bytes, more than 255/, leafOf(entry('n'.repeat(256), 1, META, null))],
  ['a path too long', MALFORMED, /more than 4096/, leafOf(entry('n\0'.repeat(2049), 1, META, null))],
  ['an unsafe key of an interior', UNSAFE, /"\.\."/, interior(1, [child('..', 1, 0)])],
  // meta
  ['an unknown type', MALFORMED, /type is 7/, leafOf(entry('a', 7, META, null))],
  ['a type as text', MALFORMED, /type is text/, leafOf(entry('a', 'file', META, null))],
  ['no meta', MALFORMED, /meta is a simple value, not an array/, leafOf(entry('a', 1, null, null))],
  ['meta too short', MALFORMED, /meta has 4 items/, leafOf(entry('a', 1, [0, 0, 0, 0], null))],
  ['a mode with more bits', MALFORMED, /mode is 4096/, leafOf(entry('a', 1, [0o10000, 0, 0, 0, 0], null))],
  ['a negative mode', MALFORMED, /mode is a negative integer/, leafOf(entry('a', 1, [-1, 0, 0, 0, 0], null))],
  ['uid -1', MALFORMED, /uid is 4294967295/, leafOf(entry('a', 1, [0, 2 ** 32 - 1, 0, 0, 0], null))],
  ['gid -1', MALFORMED, /gid is 4294967295/, leafOf(entry('a', 1, [0, 0, 2 ** 32 - 1, 0, 0], null))],
  ['an mtime beyond doubles', MALFORMED, /mtime is larger/, leafOf(entry('a', 1, [0, 0, 0, 2n ** 53n, 0], null))],
  ['an mtime before time', MALFORMED, /mtime is -9007199254740992, out of range/, leafOf(entry('a', 1, [0, 0, 0, -(2n ** 53n), 0], null))],
  ['a broken mtime', MALFORMED, /mtime is a simple value/, leafOf(entry('a', 1, [0, 0, 0, 0.5, 0], null))],
  ['a billion nanoseconds', MALFORMED, /nanoseconds is 1000000000/, leafOf(entry('a', 1, [0, 0, 0, 0, 1e9], null))],
  // bodies
  ['a directory with a body', MALFORMED, /body is not null/, leafOf(entry('a', 1, META, []))],
  ['a fifo with a body', MALFORMED, /body is not null/, leafOf(entry('a', 6, META, 0))],
  ['a device without numbers', MALFORMED, /device is a simple value/, leafOf(entry('a', 4, META, null))],
  ['a device number too large', MALFORMED, /minor is 4294967296/, leafOf(entry('a', 5, META, [0, 2 ** 32]))],
  ['an empty link', UNSAFE, /link target is empty/, leafOf(entry('a', 2, META, Buffer.alloc(0)))],
  ['a link with NUL', UNSAFE, /link target is empty or holds a NUL/, leafOf(entry('a', 2, META, Buffer.from('a\0b')))],
  ['a link too long', MALFORMED, /4096 bytes, more than 4095/, leafOf(entry('a', 2, META, Buffer.alloc(4096, 1)))],
  ['a hardlink with meta', MALFORMED, /meta of a hardlink is not null/, leafOf(entry('a', 3, META, Buffer.from('f')))],
  ['a hardlink to the root', UNSAFE, /it is the root directory/, leafOf(entry('a', 3, null, Buffer.alloc(0)))],
  ['a hardlink to ..', UNSAFE, /target of a hardlink: a name is "\.\."/, leafOf(entry('a', 3, null, Buffer.from('..\0x')))],
  ['a file without content', MALFORMED, /file is a simple value/, leafOf(file(null))],
  ['a file of one item', MALFORMED, /file has 1 items/, leafOf(file([0]))],
  ['a size beyond doubles', MALFORMED, /size is larger/, leafOf(file([2n ** 53n, []]))],
  ['a size with nothing in it', MALFORMED, /pieces hold 0 bytes of a file that has 5/, leafOf(file([5, []]))],
  ['pieces that are no triples', MALFORMED, /no triples/, leaf([ROOT, file([5, [0, 0]])], [[A, 5]])],
  ['17 pieces', MALFORMED, /17 pieces/, leaf([ROOT, file([17, Array.from({ length: 51 }, (_, at) => (at % 3 === 2 ? 1 : 0))])], [[A, 5]])],
  ['a piece of a chunk that is not there', MALFORMED, /chunk index 1 in a table of 1/, leaf([ROOT, file([5, [1, 0, 5]])], [[A, 5]])],
  ['a piece beyond its chunk', MALFORMED, /length in a chunk is 5, more than 4/, leaf([ROOT, file([5, [0, 1, 5]])], [[A, 5]])],
  ['an offset beyond its chunk', MALFORMED, /offset in a chunk is 6/, leaf([ROOT, file([5, [0, 6, 5]])], [[A, 5]])],
  ['an empty piece', MALFORMED, /empty piece/, leaf([ROOT, file([0, [0, 0, 0]])], [[A, 5]])],
  ['pieces that hold too little', MALFORMED, /pieces hold 4 bytes of a file that has 5/, leaf([ROOT, file([5, [0, 0, 4]])], [[A, 5]])],
  ['pieces that fill the holes too', MALFORMED, /pieces hold 5 bytes of a file that has 4/, leaf([ROOT, file([5, [0, 0, 5]], { holes: [0, 1] })], [[A, 5]])],
  ['a list that is a chunk', MALFORMED, /chunk list is not a CID with codec 0x71/, leafOf(file([5, A]))],
  ['files larger than doubles together', MALFORMED, /2\^53 - 1 bytes together/, leafOf(entry('a', 0, META, [2 ** 53 - 1, LIST]), entry('b', 0, META, [1, LIST]))],
  // extras
  ['an empty extra', MALFORMED, /empty map of extras/, leafOf(entry('a', 1, META, null, {}))],
  ['an extra that is no map', MALFORMED, /extra is an array/, leafOf(entry('a', 1, META, null, []))],
  ['an unknown extra', MALFORMED, /not known/, leafOf(entry('a', 1, META, null, { acl: 1 }))],
  ['a long unknown extra', MALFORMED, /more than 16/, leafOf(entry('a', 1, META, null, { ['x'.repeat(17)]: 1 }))],
  ['holes in a directory', MALFORMED, /not known, or not in its place/, leafOf(entry('a', 1, META, null, { holes: [0, 1] }))],
  ['xattrs of a hardlink', MALFORMED, /not in its place/, leafOf(entry('a', 3, null, Buffer.from('f'), { xattrs: [[Buffer.from('a'), Buffer.alloc(0)]] }))],
  ['no holes', MALFORMED, /holes are not/, leafOf(file([0, []], { holes: [] }))],
  ['half a hole', MALFORMED, /holes are not/, leafOf(file([1, []], { holes: [0] }))],
  ['an empty hole', MALFORMED, /holes are empty/, leafOf(file([1, []], { holes: [0, 0] }))],
  ['holes that touch', MALFORMED, /touch/, leafOf(file([2, []], { holes: [0, 1, 1, 1] }))],
  ['holes out of order', MALFORMED, /out of order/, leafOf(file([9, []], { holes: [5, 1, 0, 1] }))],
  ['a hole beyond the end', MALFORMED, /length of a hole is 3/, leafOf(file([2, []], { holes: [0, 3] }))],
  ['too many holes', MALFORMED, /holes are not 1 to 4096/, leafOf(file([2 ** 40, []], { holes: Array.from({ length: 8194 }, (_, at) => at * 4) }))],
  ['no xattrs', MALFORMED, /empty list of xattrs/, leafOf(entry('a', 1, META, null, { xattrs: [] }))],
  ['xattrs out of order', MALFORMED, /do not ascend/, leafOf(entry('a', 1, META, null, { xattrs: [[Buffer.from('b'), Buffer.alloc(0)], [Buffer.from('a'), Buffer.alloc(0)]] }))],
  ['an xattr twice', MALFORMED, /do not ascend/, leafOf(entry('a', 1, META, null, { xattrs: [[Buffer.from('a'), Buffer.alloc(0)], [Buffer.from('a'), Buffer.alloc(1)]] }))],
  ['an xattr without a name', MALFORMED, /names of xattrs are empty/, leafOf(entry('a', 1, META, null, { xattrs: [[Buffer.alloc(0), Buffer.alloc(0)]] }))],
  ['an xattr with NUL', MALFORMED, /hold NUL/, leafOf(entry('a', 1, META, null, { xattrs: [[Buffer.from('a\0'), Buffer.alloc(0)]] }))],
  ['a long xattr name', MALFORMED, /256 bytes, more than 255/, leafOf(entry('a', 1, META, null, { xattrs: [[Buffer.alloc(256, 1), Buffer.alloc(0)]] }))],
  ['xattrs too large together', MALFORMED, /xattrs of more than/, leafOf(entry('a', 1, META, null, { xattrs: [[Buffer.from('a'), Buffer.alloc(40_000)], [Buffer.from('b'), Buffer.alloc(40_000)]] }))],
  // chunk tables
  ['a chunk that is not used', MALFORMED, /1 chunks in the table are not used/, leaf([ROOT], [[A, 5]])],
  ['chunks not in the order of use', MALFORMED, /order of their first use/, leaf([ROOT, file([5, [1, 0, 5]]), entry('g', 0, META, [5, [0, 0, 5]])], [[A, 5], [chunk('b'), 5]])],
  ['a chunk twice', MALFORMED, /stands twice/, leaf([ROOT, file([10, [0, 0, 5, 1, 0, 5]])], [[A, 5], [A, 5]])],
  ['an empty chunk', MALFORMED, /chunk 0 is empty/, leaf([ROOT], [[A, 0]])],
  ['a chunk too long', MALFORMED, /chunk length is 1048577/, leaf([ROOT], [[A, CHUNK_BYTES_MAX + 1]])],
  ['a chunk that is a node', MALFORMED, /chunk is not a CID with codec 0x55/, leaf([ROOT], [[LIST, 5]])],
  ['a chunk by another hash', MALFORMED, /blake3-256/, leaf([ROOT], [[wrongHash, 5]])],
  ['a chunk as bytes', MALFORMED, /chunk is not a CID/, leaf([ROOT], [[Buffer.alloc(36), 5]])],
  // interiors
  ['level 0', MALFORMED, /level 0/, interior(0, [child('a', 1, 0)])],
  ['level 17', MALFORMED, /level is 17/, interior(17, [child('a', 1, 0)])],
  ['no children', MALFORMED, /0 children/, interior(1, [])],
  ['children out of order', MALFORMED, /does not come after/, interior(1, [child('b', 1, 0), child('a', 1, 0)])],
  ['a child of no entries', MALFORMED, /claims to be empty/, interior(1, [child('a', 0, 0)])],
  ['a child of too many entries', MALFORMED, /entry count is 50000001/, interior(1, [child('a', 50_000_001, 0)])],
  ['too many entries together', MALFORMED, /50000001 entries/, interior(1, [child('a', 50_000_000, 0), child('b', 1, 0)])],
  ['too many bytes together', MALFORMED, /2\^53 - 1/, interior(1, [child('a', 1, 2 ** 53 - 1), child('b', 1, 1)])],
  ['a child that is a chunk', MALFORMED, /child is not a CID with codec 0x71/, interior(1, [[0, Buffer.from('a'), A, 1, 0]])],
  // chunk lists
  ['an empty list', MALFORMED, /empty chunk list/, [1, 3, []]],
  ['a list of too many', MALFORMED, /4097 chunks/, [1, 3, Array.from({ length: 4097 }, () => 0)]],
  ['a list level 0', MALFORMED, /level 0/, [1, 4, 0, [[LIST, 1, 1]]]],
  ['a list interior of none', MALFORMED, /0 children/, [1, 4, 1, []]],
  ['more chunks than bytes', MALFORMED, /claims 2 chunks in 1 bytes/, [1, 4, 1, [[LIST, 1, 2]]]],
  ['a child of no chunks', MALFORMED, /claims 0 chunks/, [1, 4, 1, [[LIST, 1, 0]]]],
  ['too many chunks', MALFORMED, /chunk count is/, [1, 4, 1, [[LIST, 2 ** 40, 2 ** 28 + 1]]]],
  ['too many chunks together', MALFORMED, /268435457 chunks/, [1, 4, 1, [[LIST, 2 ** 40, 2 ** 28], [LIST, 1, 1]]]],
  ['a list of too many bytes', MALFORMED, /2\^53 - 1/, [1, 4, 1, [[LIST, 2 ** 53 - 1, 1], [LIST, 1, 1]]]],
];

void t.test('values that are no nodes', (t) => {
  for (const [what, code, message, value] of CASES) refuse(t, what, code, message, encode(value));
  t.end();
});

void t.test('CBOR that is not canonical', (t) => {
  const hex = (text: string): Uint8Array => Buffer.from(text.replaceAll(/\s/g, ''), 'hex');
  const good = '84 01 01 80 81 85 00 40 01 85 00 00 00 00 00 f6';
  t.equal(decodeNode(hex(good), hash(hex(good))).kind, 'leaf');
  const bad: readonly (readonly [string, RegExp, string])[] = [
    ['one byte more', /1 bytes are left over/, `${good} 00`],
    ['an integer in two bytes', /shortest form/, good.replace('84 01 01', '84 18 01 01')],
    ['an integer in three', /shortest form/, good.replace('84 01 01', '84 19 00 01 01')],
    ['an integer in five', /shortest form/, good.replace('84 01 01', '84 1a 00 00 00 01 01')],
    ['an integer in nine', /shortest form/, good.replace('84 01 01', '84 1b 00 00 00 00 00 00 00 01 01')],
    ['an array of indefinite length', /indefinite or reserved/, good.replace('81 85', '9f 85')],
    ['a string of indefinite length', /indefinite or reserved/, good.replace('00 40', '00 5f ff')],
    ['a reserved length', /indefinite or reserved/, good.replace('84 01', '9c 01')],
    ['undefined for null', /not null/, good.replace('f6', 'f7')],
    ['false for null', /not null/, good.replace('f6', 'f4')],
    ['a float', /version is a simple value/, good.replace('84 01', '84 f9 3c 00')],
    ['another tag', /version is a tag/, good.replace('84 01', '84 c1 01')],
    ['a CID with another multibase', /chunk is not a CID/, good.replace('80 81', `81 82 d8 2a 58 25 01 01 55 1e 20 ${'00'.repeat(32)} 05 81`)],
    ['CIDv0', /chunk is not a CID/, good.replace('80 81', `81 82 d8 2a 58 23 00 12 20 ${'00'.repeat(32)} 05 81`)],
    ['extras out of order', /not in its place/, '84 01 01 80 81 86 00 41 66 00 85 00 00 00 00 00 82 01 80 a2 66 78 61 74 74 72 73 81 82 41 61 40 65 68 6f 6c 65 73 82 00 01'],
    ['an extra twice', /not in its place/, good.replace('85 00 40 01', '86 00 40 01').replace('f6', 'f6 a2 66 78 61 74 74 72 73 81 82 41 61 40 66 78 61 74 74 72 73 81 82 41 61 40')],
  ];
  for (const [what, message, text] of bad) refuse(t, what, MALFORMED, message, hex(text));
  t.end();
});

void t.test('sizes are refused before they cost anything', (t) => {
  const huge = Buffer.alloc(NODE_BYTES_MAX + 1);
  refuse(t, 'a node too large', MALFORMED, /1048577 bytes, more than 1048576/, huge);
  const hex = (text: string): Uint8Array => Buffer.from(text.replaceAll(/\s/g, ''), 'hex');
  refuse(t, 'a table that claims more than there is', MALFORMED, /chunks claims 4294967295 items/, hex('84 01 01 9a ff ff ff ff'));
  refuse(t, 'entries likewise', MALFORMED, /entries claims/, hex('84 01 01 80 9b 00 0f ff ff ff ff ff ff'));
  refuse(t, 'a string that claims more than there is', MALFORMED, /key is cut off/, hex('84 01 01 80 81 85 00 58 ff 00 00 00'));
  refuse(t, 'a string that claims more than may be', MALFORMED, /key has 4294967295 bytes/, hex('84 01 01 80 81 85 00 5a ff ff ff ff'));
  refuse(t, 'nothing', MALFORMED, /node is cut off/, Buffer.alloc(0));
  t.end();
});
