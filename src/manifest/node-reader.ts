/** Reads nodes of one manifest: verified against their digest, decoded, and held to what their parent claims of them. */
import { NODE_BYTES_MAX, NODES_KEPT_BYTES_MAX, NODES_KEPT_MAX } from '../base/limits/manifests.ts';
import type { Digest } from '../chunking/digest.ts';
import { hash } from '../chunking/hash.ts';
import type { PathKey } from './entry.ts';
import type { Interior } from './interior.ts';
import { compareKeys } from './key.ts';
import { decodeNode, type ListNode, type Node, type TreeNode } from './node.ts';
import { malformed, nodeError } from './node-error.ts';
import type { ChunkListInterior } from './chunk-list.ts';

/** Where nodes come from: a store, a cache, a source. Undefined: it does not have it. Not believed. */
export type ReadBlock = (digest: Digest) => Promise<Uint8Array | undefined>;

/** A node of the tree and what is claimed of it; nothing is claimed of the root. */
export interface TreeRef {
  readonly digest: Digest;
  readonly claim: TreeClaim | undefined;
}

export interface TreeClaim {
  readonly level: number;
  /** Every key below is greater than this one; undefined for the leftmost node of its level. */
  readonly after: PathKey | undefined;
  readonly lastKey: PathKey;
  readonly entryCount: number;
  readonly logicalBytes: number;
}

export interface ListRef {
  readonly digest: Digest;
  readonly claim: { readonly level: number; readonly lengthBytes: number; readonly chunkCount: number } | undefined;
}

export interface ReadNode<N extends Node> {
  readonly node: N;
  readonly bytes: Uint8Array;
}

export class NodeReader {
  readonly #read: ReadBlock;
  /** Tree nodes that were read first: for who goes through the same trees several times (docs/decisions/0018). */
  readonly #kept = new Map<Digest, ReadNode<TreeNode>>();
  #keptLeftBytes: number;
  /** Of the others those that were read last, the latest last: for lookups, which come back to the same ones. */
  readonly #recent = new Map<Digest, ReadNode<TreeNode>>();
  #recentBytes = 0;

  /** Keeps the tree nodes that are read first, up to so many bytes of memory. */
  constructor(read: ReadBlock, keptBytesMax = 0) {
    this.#read = read;
    this.#keptLeftBytes = keptBytesMax;
  }

  /** Throws BC_MANIFEST_INCOMPLETE, BC_CHUNK_CORRUPT, BC_MANIFEST_MALFORMED, BC_MANIFEST_UNSAFE, BC_FORMAT_VERSION. */
  async tree({ digest, claim }: TreeRef): Promise<ReadNode<TreeNode>> {
    const read = this.#kept.get(digest) ?? (await this.#treeNode(digest));
    if (claim !== undefined) checkTreeClaim(digest, read.node, claim);
    else if (read.node.kind === 'interior' && read.node.childCount < 2) throw malformed(digest, 'a root with one child');
    return read;
  }

  async list({ digest, claim }: ListRef): Promise<ReadNode<ListNode>> {
    const { node, bytes } = await this.#node(digest);
    if (node.kind !== 'chunk-list-leaf' && node.kind !== 'chunk-list-interior') throw malformed(digest, `a ${node.kind} where a chunk list belongs`);
    if (claim !== undefined) {
      if (node.level !== claim.level) throw malformed(digest, `level ${node.level} where its parent claims ${claim.level}`);
      if (node.lengthBytes !== claim.lengthBytes || node.chunkCount !== claim.chunkCount) {
        throw malformed(digest, `${node.chunkCount} chunks of ${node.lengthBytes} bytes where its parent claims ${claim.chunkCount} of ${claim.lengthBytes}`);
      }
    }
    return { node, bytes };
  }

  /**
   * The bytes of a node, verified against their digest and not decoded: for a tree that has been walked before, of which the digest says
   * all that a decoder would. Throws BC_MANIFEST_INCOMPLETE, BC_CHUNK_CORRUPT, BC_MANIFEST_MALFORMED for one that is too long.
   */
  async block(digest: Digest): Promise<Uint8Array> {
    const given = await this.#read(digest);
    if (given === undefined) throw nodeError('BC_MANIFEST_INCOMPLETE', digest, 'it is not stored');
    if (given.byteLength > NODE_BYTES_MAX) throw malformed(digest, `${given.byteLength} bytes, more than ${NODE_BYTES_MAX}`);
    // A view of a whole frame would keep the frame in memory for as long as the node is kept.
    const bytes = given.buffer.byteLength > 2 * given.byteLength ? new Uint8Array(given) : given;
    if (hash(bytes) !== digest) throw nodeError('BC_CHUNK_CORRUPT', digest, `its ${bytes.byteLength} bytes have another digest`);
    return bytes;
  }

  async #treeNode(digest: Digest): Promise<ReadNode<TreeNode>> {
    const recent = this.#recent.get(digest);
    if (recent !== undefined) {
      this.#recent.delete(digest);
      this.#recent.set(digest, recent);
      return recent;
    }
    const { node, bytes } = await this.#node(digest);
    if (node.kind !== 'leaf' && node.kind !== 'interior') throw malformed(digest, `a ${node.kind} where a node of the tree belongs`);
    return this.#keep(digest, { node, bytes });
  }

  /** Answers the one that is kept, if somebody has read the same meanwhile. */
  #keep(digest: Digest, read: ReadNode<TreeNode>): ReadNode<TreeNode> {
    const known = this.#kept.get(digest) ?? this.#recent.get(digest);
    if (known !== undefined) return known;
    const { memoryBytes } = read.node;
    if (memoryBytes <= this.#keptLeftBytes) {
      this.#keptLeftBytes -= memoryBytes;
      this.#kept.set(digest, read);
      return read;
    }
    this.#recent.set(digest, read);
    this.#recentBytes += memoryBytes;
    for (const [oldest, { node }] of this.#recent) {
      if (oldest === digest || (this.#recent.size <= NODES_KEPT_MAX && this.#recentBytes <= NODES_KEPT_BYTES_MAX)) break;
      this.#recent.delete(oldest);
      this.#recentBytes -= node.memoryBytes;
    }
    return read;
  }

  async #node(digest: Digest): Promise<ReadNode<Node>> {
    const bytes = await this.block(digest);
    return { node: decodeNode(bytes, digest), bytes };
  }
}

function checkTreeClaim(digest: Digest, node: TreeNode, claim: TreeClaim): void {
  if (node.level !== claim.level) throw malformed(digest, `level ${node.level} where its parent claims ${claim.level}`);
  if (node.entryCount !== claim.entryCount) throw malformed(digest, `${node.entryCount} entries where its parent claims ${claim.entryCount}`);
  if (node.logicalBytes !== claim.logicalBytes) throw malformed(digest, `${node.logicalBytes} bytes of files where its parent claims ${claim.logicalBytes}`);
  if (claim.after !== undefined && compareKeys(node.keys.at(0), claim.after) <= 0) throw malformed(digest, 'its first key lies before the range that its parent claims');
  if (compareKeys(node.keys.at(node.keys.length - 1), claim.lastKey) !== 0) throw malformed(digest, 'its last key is not the one that its parent claims');
}

/** A child as its parent names it. `after`: of the parent's own claim. */
export function treeChild(parent: Interior, index: number, after: PathKey | undefined): TreeRef {
  return {
    digest: parent.childDigest(index),
    claim: {
      level: parent.level - 1,
      after: index === 0 ? after : parent.keys.at(index - 1),
      lastKey: parent.keys.at(index),
      entryCount: parent.childEntryCount(index),
      logicalBytes: parent.childLogicalBytes(index),
    },
  };
}

export function listChild(parent: ChunkListInterior, index: number): ListRef {
  return {
    digest: parent.childDigest(index),
    claim: { level: parent.level - 1, lengthBytes: parent.childLengthBytes(index), chunkCount: parent.childChunkCount(index) },
  };
}
