/**
 * Golden vectors of the manifest format, version 1. They never change: other bytes would be another version. The nodes were written
 * with @ipld/dag-cbor, not with this code.
 */
import { decode, encode } from '@ipld/dag-cbor';
import t from 'tap';
import { hash } from '../../src/chunking/hash.ts';
import { DEFAULT_CHUNKER_PARAMS } from '../../src/chunking/params.ts';
import { decodeDescriptor, encodeDescriptor } from '../../src/manifest/descriptor.ts';
import type { Entry, FileEntry, Metadata, PathKey, Piece } from '../../src/manifest/entry.ts';
import { endsNode, keyHash } from '../../src/manifest/key-hash.ts';
import { keyFromPath } from '../../src/manifest/key.ts';
import { LeafWriter } from '../../src/manifest/leaf-writer.ts';
import { InteriorWriter } from '../../src/manifest/interior-writer.ts';
import { decodeNode } from '../../src/manifest/node.ts';
import { BlockMap } from '../doubles/block-map.ts';
import { hexVector } from './hex-vector.ts';

const DIGESTS = {
  'leaf': 'c0f5e6f8ef86e72aacf5ddf451ef1a0086c6ddbb03b6dd947cec43aef9037a9b',
  'interior': 'f55f32f9809bace5f861717f696866ec6713b573c6756efdc4d04dad71b85662',
  'chunk-list-leaf': '6830f2e43e25fa2b98d758abc333788aba1240ca7bb626599a795ea18d6d6a4a',
  'chunk-list-interior': '4f5f66f49f0121ab784f5702d7d4f8399f2284b82351d224f48ec66089815784',
  'descriptor': 'e577d862131409eae9efd61e1f24bcb9c7cf8b4f76fada4f6e8faa6a9d2682a3',
} as const;

/** Of `usr/share/doc/file-0` to `-1999`, those that end a node of level 0 and of level 1. Computed by another program. */
const ENDING_0 = [145, 151, 255, 258, 385, 483, 634, 899, 972, 980, 1183, 1202, 1291, 1441, 1457, 1536, 1602, 1725, 1822, 1830, 1914, 1928, 1959];
const ENDING_1 = [26, 84, 383, 482, 845, 873, 945, 952, 1004, 1048, 1152, 1239, 1473, 1544, 1787, 1828, 1938, 1951];

const digest = (name: string): ReturnType<typeof hash> => hash(Buffer.from(name));
const ascii = (text: string): Buffer => Buffer.from(text, 'latin1');
const key = (path: string): PathKey => keyFromPath(ascii(path));
const chunk1 = { digest: digest('chunk 1'), chunkBytes: 65_536 };
const chunk2 = { digest: digest('chunk 2'), chunkBytes: 23 };

function meta(mode: number, uid = 0, gid = 0, mtimeSeconds = 1_700_000_000, mtimeNanos = 0): Metadata {
  return { mode, uid, gid, mtimeSeconds, mtimeNanos };
}

const ENTRIES: readonly Entry[] = [
  { type: 'directory', key: key(''), ...meta(0o755) },
  { type: 'directory', key: key('bin'), ...meta(0o1777, 1000, 1000, -1, 999_999_999) },
  { type: 'file', key: key('bin/sh'), ...meta(0o4755), sizeBytes: 65_559, content: { pieces: [{ ...chunk1, offsetBytes: 0, lengthBytes: 65_536 }, { ...chunk2, offsetBytes: 0, lengthBytes: 23 }] } },
  { type: 'file', key: key('bin/sh2'), ...meta(0o644), sizeBytes: 5, content: { pieces: [{ ...chunk2, offsetBytes: 18, lengthBytes: 5 }] } },
  { type: 'directory', key: key('dev'), ...meta(0o755) },
  { type: 'char-device', key: key('dev/null'), ...meta(0o666), major: 1, minor: 3 },
  { type: 'block-device', key: key('dev/sda'), ...meta(0o660, 0, 6), major: 8, minor: 4_294_967_295 },
  { type: 'file', key: key('empty'), ...meta(0o600, 4_294_967_294, 4_294_967_294, 0, 0), sizeBytes: 0, content: { pieces: [] } },
  { type: 'fifo', key: key('fifo'), ...meta(0) },
  { type: 'file', key: key('large'), ...meta(0o644), sizeBytes: 2 ** 40, content: { list: digest('list') } },
  { type: 'symlink', key: key('link'), ...meta(0o777), target: ascii('../\u00ff') },
  { type: 'hardlink', key: key('second'), target: key('bin/sh') },
  {
    type: 'file', key: key('sparse'), ...meta(0o644), sizeBytes: 8197, content: { pieces: [{ ...chunk2, offsetBytes: 1, lengthBytes: 5 }] },
    holes: [{ offsetBytes: 0, lengthBytes: 4096 }, { offsetBytes: 4100, lengthBytes: 4096 }],
    xattrs: [{ name: ascii('security.capability'), value: Buffer.of(1, 0, 0, 2) }, { name: ascii('user.empty'), value: Buffer.alloc(0) }],
  },
  { type: 'directory', key: key('xattrs'), ...meta(0o700), xattrs: [{ name: ascii('user.\u00e9'), value: ascii('x') }] },
  { type: 'file', key: key('\u00ff\u00fe'), ...meta(0o644), sizeBytes: 0, content: { pieces: [] } },
];

void t.test('the bytes are canonical DAG-CBOR and have the digest that was written down', (t) => {
  for (const [name, expected] of Object.entries(DIGESTS)) {
    const bytes = hexVector(`manifest/${name}`);
    t.equal(hash(bytes), expected, name);
    t.ok(Buffer.from(encode(decode(bytes))).equals(bytes), `${name}, by @ipld/dag-cbor`);
  }
  t.end();
});

void t.test('a leaf with every type of entry', (t) => {
  const bytes = hexVector('manifest/leaf');
  const leaf = decodeNode(bytes, DIGESTS.leaf as ReturnType<typeof hash>);
  if (leaf.kind !== 'leaf') throw new Error(leaf.kind);
  t.equal(leaf.logicalBytes, 65_559 + 5 + 2 ** 40 + 8197);
  t.same(Array.from({ length: leaf.entryCount }, (_, index) => leaf.entryAt(index)), ENTRIES);
  const writer = new LeafWriter();
  for (const entry of ENTRIES) writer.append(entry, 65_536);
  t.ok(writer.finish().equals(bytes), 'and back');
  t.end();
});

void t.test('an interior node', (t) => {
  const bytes = hexVector('manifest/interior');
  const node = decodeNode(bytes, hash(bytes));
  if (node.kind !== 'interior') throw new Error(node.kind);
  const children = [
    { lastKey: key('usr/bin'), digest: digest('left'), entryCount: 127, logicalBytes: 2 ** 40 },
    { lastKey: key('usr/share/man'), digest: digest('right'), entryCount: 1, logicalBytes: 0 },
  ];
  t.equal(node.level, 1);
  t.same(Array.from({ length: node.childCount }, (_, at) => ({ lastKey: node.keys.at(at), digest: node.childDigest(at), entryCount: node.childEntryCount(at), logicalBytes: node.childLogicalBytes(at) })), children);
  const writer = new InteriorWriter(1);
  for (const child of children) writer.append({ ...child, lastKeyHash: 0 }, 65_536);
  t.ok(writer.finish().equals(bytes), 'and back');
  t.end();
});

void t.test('a chunk list', (t) => {
  const bytes = hexVector('manifest/chunk-list-leaf');
  const leaf = decodeNode(bytes, hash(bytes));
  if (leaf.kind !== 'chunk-list-leaf') throw new Error(leaf.kind);
  t.same([...leaf.chunks.indices()].map((at) => [leaf.chunks.digest(at), leaf.chunks.lengthBytes(at)]), [[digest('chunk 1'), 65_536], [digest('chunk 2'), 1_048_576], [digest('chunk 1'), 65_536]]);
  t.match(leaf, { lengthBytes: 1_179_648, chunkCount: 3 });

  const above = hexVector('manifest/chunk-list-interior');
  const node = decodeNode(above, hash(above));
  if (node.kind !== 'chunk-list-interior') throw new Error(node.kind);
  t.match(node, { level: 2, lengthBytes: 2 ** 34 + 1, chunkCount: 2 ** 18 + 1 });
  t.same([0, 1].map((at) => [node.childDigest(at), node.childLengthBytes(at), node.childChunkCount(at)]), [[digest('left'), 2 ** 34, 2 ** 18], [digest('right'), 1, 1]]);
  t.end();
});

void t.test('a layer descriptor', (t) => {
  const bytes = hexVector('manifest/descriptor');
  const descriptor = {
    kind: 'app', tree: digest('tree'), chunker: DEFAULT_CHUNKER_PARAMS, entries: 80_000, files: 74_000, logicalBytes: 102_000_000, chunks: 1700, chunkBytes: 100_000_000,
    manifestNodes: 620, manifestBytes: 9_000_000, parent: digest('parent'), removes: [key('etc/motd'), key('\u00ff')],
  } as const;
  t.same(decodeDescriptor(bytes), descriptor);
  t.ok(Buffer.from(encodeDescriptor(descriptor)).equals(bytes), 'and back');
  t.end();
});

void t.test('where nodes end', (t) => {
  t.equal(keyHash(key('')), 0x811c9dc5, 'FNV-1a of nothing');
  t.equal(keyHash(ascii('foobar')), 0xbf9cf968, 'of the test vectors of draft-eastlake-fnv');
  const ending = (level: number): number[] => Array.from({ length: 2000 }, (_, index) => index).filter((index) => endsNode(keyHash(key(`usr/share/doc/file-${index}`)), level));
  t.same(ending(0), ENDING_0);
  t.same(ending(1), ENDING_1);
  t.end();
});

void t.test('whole trees', (t) => {
  // 5,000 files of one piece in 50 directories; and a file of 5,000 chunks. The roots were computed by another program, from docs/formats.md.
  const common = meta(0o644);
  const piece = (name: string): Piece => ({ digest: digest(name), chunkBytes: 1000, offsetBytes: 0, lengthBytes: 1000 });
  const file = (path: string, pieces: readonly Piece[]): FileEntry => ({ type: 'file', key: key(path), ...common, sizeBytes: pieces.length * 1000, content: { pieces } });
  const tree: Entry[] = [{ type: 'directory', key: key(''), ...common }];
  for (let index = 0; index < 50; index += 1) tree.push({ type: 'directory', key: key(`d${index}`), ...common });
  for (let index = 0; index < 5000; index += 1) tree.push(file(`d${index % 50}/f${index}`, [piece(`${index >> 3}`)]));
  t.same(new BlockMap().build(tree), { root: '83badbe9a598c2ac5f1451787f3cc867a5b23f841453a9e6250ec85834978574', entryCount: 5051, fileCount: 5000, logicalBytes: 5_000_000, nodeCount: 45, nodeBytes: 306_691 });
  const large = file('large', Array.from({ length: 5000 }, (_, index) => piece(`${index}`)));
  t.same(new BlockMap().build([...tree.slice(0, 1), large]), { root: 'c18399939ae2d4825eeb0d6291d4cf819a7d05ef98c888920c73c49d54843759', entryCount: 2, fileCount: 1, logicalBytes: 5_000_000, nodeCount: 41, nodeBytes: 227_166 });
  t.end();
});
