import t from 'tap';
import type { Digest } from '../../../src/chunking/digest.ts';
import { hash } from '../../../src/chunking/hash.ts';
import type { Entry } from '../../../src/manifest/entry.ts';
import { keyFromPath } from '../../../src/manifest/key.ts';
import { knownBlocks } from '../../../src/manifest/known-tree.ts';
import { Manifest } from '../../../src/manifest/read.ts';
import { BlockMap } from '../../doubles/block-map.ts';
import { seededTree } from '../../doubles/seeded-tree.ts';

const COMMON = { mode: 0o644, uid: 0, gid: 0, mtimeSeconds: 0, mtimeNanos: 0 };
const root: Entry = { type: 'directory', key: keyFromPath(''), ...COMMON };

/** A file of so many chunks, each of 10 bytes. */
function large(path: string, chunkCount: number): Entry {
  const pieces = Array.from({ length: chunkCount }, (_, index) => ({ digest: hash(Buffer.from(`${index}`)), chunkBytes: 10, offsetBytes: 0, lengthBytes: 10 }));
  return { type: 'file', key: keyFromPath(path), ...COMMON, sizeBytes: 10 * chunkCount, content: { pieces } };
}

/** The nodes in their order, and the chunks with their lengths. */
async function named(manifest: Manifest): Promise<{ nodes: Digest[]; chunks: Map<Digest, number> }> {
  const nodes: Digest[] = [];
  const chunks = new Map<Digest, number>();
  for await (const { block, chunks: table } of knownBlocks(manifest)) {
    nodes.push(block.digest);
    for (const index of table?.indices() ?? []) chunks.set(table?.digest(index) as Digest, table?.lengthBytes(index) ?? 0);
  }
  return { nodes, chunks };
}

void t.test('it names what a checked walk names', async (t) => {
  const trees: readonly (readonly [string, readonly Entry[]])[] = [
    ['an empty tree', [root]],
    ['a tree of one leaf', [root, large('a', 3)]],
    ['many leaves', [...seededTree(21, 3000).values()]],
    ['one list for two files', [root, large('a', 30), large('b', 30)]],
    ['a list of several nodes that another list shares', [root, large('a', 3000), large('b', 2500)]],
    ['attributes that look like a list', [root, { ...large('a', 1), xattrs: [{ name: Buffer.from('user.a'), value: Buffer.from('d82a58250001711e20', 'hex') }] } as Entry]],
  ];
  for (const [what, entries] of trees) {
    const blocks = new BlockMap();
    const manifest = blocks.manifest(blocks.build(entries).root);
    const nodes: Digest[] = [];
    const chunks = new Map<Digest, number>();
    for await (const { digest, bytes } of manifest.chunks({ block: async ({ digest: node }) => void nodes.push(node) })) chunks.set(digest, bytes);
    const found = await named(manifest);
    t.same(found.nodes.toSorted(), nodes.toSorted(), `${what}: nodes, each once`);
    t.equal(found.nodes[0], manifest.root);
    t.same(found.chunks, chunks, `${what}: chunks`);
  }
});

void t.test('whatever node is not there, or has other bytes, is an error', async (t) => {
  const blocks = new BlockMap();
  const manifest = blocks.manifest(blocks.build([...seededTree(21, 1000).values(), large('zzz', 3000)]).root);
  const { nodes } = await named(manifest);
  t.ok(nodes.length > 10);
  for (const digest of nodes) {
    const lacking = new Manifest(manifest.root, async (wanted) => (wanted === digest ? undefined : blocks.blocks.get(wanted)));
    await t.rejects(named(lacking), { code: 'BC_MANIFEST_INCOMPLETE' });
    const rotten = new Manifest(manifest.root, async (wanted) => (wanted === digest ? Buffer.concat([blocks.blocks.get(wanted) as Uint8Array, Buffer.of(0)]) : blocks.blocks.get(wanted)));
    await t.rejects(named(rotten), { code: 'BC_CHUNK_CORRUPT' });
  }
});
