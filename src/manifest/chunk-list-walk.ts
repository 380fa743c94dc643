/** Walks the chunk list of one file. */
import { INLINE_PIECES_MAX } from '../base/limits/manifests.ts';
import type { Digest } from '../chunking/digest.ts';
import type { ChunkListLeaf } from './chunk-list.ts';
import type { ManifestBlock } from './entry.ts';
import { malformed } from './node-error.ts';
import { listChild, type ListRef, type NodeReader } from './node-reader.ts';

export interface ChunkListWalk {
  /** Bytes that the file holds outside its holes: what the list must add up to. */
  readonly wantedBytes: number;
  /** Nodes that were walked before, with the bytes below them: they are held to that, and not walked again. New ones are added. */
  readonly seen?: Map<Digest, number>;
  readonly onBlock?: ((block: ManifestBlock) => Promise<void>) | undefined;
}

/** The leaves of a list, in file order. */
export async function* chunkListLeaves(reader: NodeReader, root: Digest, walk: ChunkListWalk): AsyncGenerator<ChunkListLeaf> {
  const stack: ListRef[] = [{ digest: root, claim: undefined }];
  for (let ref = stack.pop(); ref !== undefined; ref = stack.pop()) {
    const claimedBytes = ref.claim?.lengthBytes ?? walk.wantedBytes;
    const seenBytes = walk.seen?.get(ref.digest);
    if (seenBytes !== undefined) {
      if (seenBytes !== claimedBytes) throw malformed(ref.digest, `chunks of ${seenBytes} bytes where ${claimedBytes} are claimed`);
      continue;
    }
    const { node, bytes } = await reader.list(ref);
    walk.seen?.set(ref.digest, node.lengthBytes);
    if (ref.claim === undefined) {
      if (node.lengthBytes !== walk.wantedBytes) throw malformed(root, `chunks of ${node.lengthBytes} bytes for a file that has ${walk.wantedBytes} outside its holes`);
      if (node.chunkCount <= INLINE_PIECES_MAX) throw malformed(root, `a chunk list of ${node.chunkCount} chunks, which stand in the entry itself`);
      if (node.kind === 'chunk-list-interior' && node.childCount < 2) throw malformed(root, 'a root with one child');
    }
    await walk.onBlock?.({ digest: ref.digest, bytes });
    if (node.kind === 'chunk-list-leaf') yield node;
    else for (let index = node.childCount - 1; index >= 0; index -= 1) stack.push(listChild(node, index));
  }
}
