/**
 * The blocks of a tree that was walked and found good before. Its digest says that it still is; what may have changed since is whether all of
 * it is there. So nodes are read and verified, but of a leaf's entries no more is looked at than the chunk lists that they name.
 */
import type { Digest } from '../chunking/digest.ts';
import type { ChunkTable } from './chunk-table.ts';
import type { ManifestBlock } from './entry.ts';
import { chunksOf, leafNames } from './node.ts';
import { listChild, treeChild, type ListRef, type NodeReader, type TreeRef } from './node-reader.ts';
import type { Manifest } from './read.ts';

export interface KnownBlock {
  readonly block: ManifestBlock;
  /** The chunks that the node names; undefined if its kind names none. */
  readonly chunks: ChunkTable | undefined;
}

/**
 * Every node once, parents before children. Throws BC_MANIFEST_INCOMPLETE and BC_CHUNK_CORRUPT; a tree that was never walked may also
 * break the format, and must not be given: not all of it would be refused.
 */
export async function* knownBlocks({ root, nodes }: Manifest): AsyncGenerator<KnownBlock, void, undefined> {
  const seen = new Set<Digest>();
  const stack: TreeRef[] = [{ digest: root, claim: undefined }];
  for (let ref = stack.pop(); ref !== undefined; ref = stack.pop()) {
    const { digest, claim } = ref;
    const interior = claim?.level === 0 ? undefined : await nodes.tree(ref);
    if (interior?.node.kind === 'interior') {
      const { node, bytes } = interior;
      yield { block: { digest, bytes }, chunks: undefined };
      for (let index = node.childCount - 1; index >= 0; index -= 1) stack.push(treeChild(node, index, claim?.after));
      continue;
    }
    const bytes = await nodes.block(digest);
    const { chunks, lists } = leafNames(bytes, digest);
    yield { block: { digest, bytes }, chunks };
    for (const list of lists) yield* listBlocks(nodes, list, seen);
  }
}

/** The nodes of a chunk list, less those in `seen`, to which they are added: files share lists, and lists share nodes. */
async function* listBlocks(nodes: NodeReader, list: Digest, seen: Set<Digest>): AsyncGenerator<KnownBlock, void, undefined> {
  const stack: ListRef[] = [{ digest: list, claim: undefined }];
  for (let ref = stack.pop(); ref !== undefined; ref = stack.pop()) {
    if (seen.has(ref.digest)) continue;
    seen.add(ref.digest);
    const { node, bytes } = await nodes.list(ref);
    yield { block: { digest: ref.digest, bytes }, chunks: chunksOf(node) };
    if (node.kind === 'chunk-list-interior') for (let index = node.childCount - 1; index >= 0; index -= 1) stack.push(listChild(node, index));
  }
}
