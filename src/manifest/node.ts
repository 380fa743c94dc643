/** A node of a manifest from its bytes. docs/formats.md, "Manifest". Nothing is believed: shape, order and ranges are checked here. */
import { NODE_BYTES_MAX } from '../base/limits/manifests.ts';
import { DAG_CBOR_CODE, digestFromBytes, type Digest } from '../chunking/digest.ts';
import { CborReader, CID_BYTES } from './cbor-reader.ts';
import { ChunkListInterior, ChunkListLeaf } from './chunk-list.ts';
import { ChunkTable } from './chunk-table.ts';
import { FORMAT_VERSION, NODE_KIND } from './entry-ranges.ts';
import { Interior } from './interior.ts';
import { Leaf } from './leaf.ts';
import { malformed, nodeError } from './node-error.ts';

export type TreeNode = Leaf | Interior;
export type ListNode = ChunkListLeaf | ChunkListInterior;
export type Node = TreeNode | ListNode;

/** Items of a node of each kind, by its number. */
const ITEM_COUNTS = [0, 4, 4, 3, 4] as const;

/**
 * Decodes a node; `digest` names it in errors, the caller has verified it. The node keeps a view of the bytes. Throws
 * BC_MANIFEST_MALFORMED, BC_MANIFEST_UNSAFE (a name that could lead out of a directory), BC_FORMAT_VERSION.
 */
export function decodeNode(bytes: Uint8Array, digest: Digest): Node {
  const reader = readerOf(bytes, digest);
  switch (readKind(reader)) {
    case NODE_KIND.leaf:
      return new Leaf(reader);
    case NODE_KIND.interior:
      return new Interior(reader);
    case NODE_KIND.chunkListLeaf:
      return new ChunkListLeaf(reader);
    default:
      return new ChunkListInterior(reader);
  }
}

/** What a leaf names, for one that was decoded before: its entries are not looked at but for the digests of chunk lists. Throws as decodeNode does. */
export function leafNames(bytes: Uint8Array, digest: Digest): { readonly chunks: ChunkTable; readonly lists: readonly Digest[] } {
  const reader = readerOf(bytes, digest);
  if (readKind(reader) !== NODE_KIND.leaf) throw reader.error('another node where a leaf belongs');
  const chunks = ChunkTable.read(reader, NODE_BYTES_MAX / CID_BYTES);
  const lists = reader.skip(DAG_CBOR_CODE, 'entries').map((digestAt) => digestFromBytes(bytes, digestAt));
  reader.end();
  return { chunks, lists };
}

function readerOf(bytes: Uint8Array, digest: Digest): CborReader {
  if (bytes.byteLength > NODE_BYTES_MAX) throw malformed(digest, `${bytes.byteLength} bytes, more than ${NODE_BYTES_MAX}`);
  return new CborReader(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength), digest);
}

/** Reads what every node begins with. */
function readKind(reader: CborReader): number {
  const itemCount = reader.array('node');
  const version = reader.uint(Number.MAX_SAFE_INTEGER, 'version');
  if (version > FORMAT_VERSION) throw nodeError('BC_FORMAT_VERSION', reader.node, `format version ${version}; this branchcast knows ${FORMAT_VERSION}`);
  if (version < FORMAT_VERSION) throw reader.error(`format version ${version}`);
  const kind = reader.uint(NODE_KIND.chunkListInterior, 'kind');
  if (itemCount !== ITEM_COUNTS[kind]) throw reader.error(`a node of kind ${kind} with ${itemCount} items`);
  return kind;
}

/** The nodes that a node leads to: children, and the chunk lists of a leaf's files; each once. Throws as decodeNode does. */
export function nodeLinks(digest: Digest, bytes: Uint8Array): Digest[] {
  return linksOf(decodeNode(bytes, digest));
}

/** The chunks that a node names; undefined if its kind names none. */
export function chunksOf(node: Node): ChunkTable | undefined {
  return node.kind === 'leaf' || node.kind === 'chunk-list-leaf' ? node.chunks : undefined;
}

export function linksOf(node: Node): Digest[] {
  const links = new Set<Digest>();
  switch (node.kind) {
    case 'leaf':
      for (let index = 0; index < node.entryCount; index += 1) {
        const list = node.listAt(index);
        if (list !== undefined) links.add(list);
      }
      break;
    case 'interior':
    case 'chunk-list-interior':
      for (let index = 0; index < node.childCount; index += 1) links.add(node.childDigest(index));
      break;
    case 'chunk-list-leaf':
      break;
  }
  return [...links];
}
