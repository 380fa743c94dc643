/** Manifests of the core for commands that look into layers: nodes are fetched in one stream as far as memory allows, the rest one by one. */
import { MANIFEST_READ_AHEAD_BYTES_MAX } from '../base/limits.ts';
import type { Digest } from '../chunking/digest.ts';
import { Manifest, type ReadBlock } from '../manifest/read.ts';
import type { CoreClient } from '../wan/core-client.ts';

/** One manifest for each root. Of the second and further only the nodes are fetched that those before lack. */
export async function openManifests(client: CoreClient, roots: readonly Digest[], signal: AbortSignal): Promise<Manifest[]> {
  const nodes = new Map<Digest, Uint8Array>();
  let leftBytes = MANIFEST_READ_AHEAD_BYTES_MAX;
  for (const [index, root] of roots.entries()) {
    for await (const { digest, bytes } of client.fetchManifest(root, roots.slice(0, index), { signal })) {
      leftBytes -= bytes.byteLength;
      if (leftBytes < 0) break;
      nodes.set(digest, bytes);
    }
  }
  const read: ReadBlock = async (digest) => nodes.get(digest) ?? client.fetchBlock(digest, { signal });
  return roots.map((root) => new Manifest(root, read));
}
