/** A manifest of the core for commands that look into a layer: its nodes are fetched in one stream as far as memory allows, the rest one by one. */
import { MANIFEST_READ_AHEAD_BYTES_MAX } from '../base/limits.ts';
import type { Digest } from '../chunking/digest.ts';
import { Manifest, type ReadBlock } from '../manifest/read.ts';
import type { CoreClient } from '../wan/core-client.ts';

/** Of a manifest that is looked at beside others, `have`, only the nodes that they lack are fetched ahead: a diff reads no others. */
export async function openManifest(client: CoreClient, root: Digest, have: readonly Manifest[], signal: AbortSignal): Promise<Manifest> {
  const nodes = new Map<Digest, Uint8Array>();
  let leftBytes = MANIFEST_READ_AHEAD_BYTES_MAX;
  for await (const { digest, bytes } of client.fetchManifest(root, have.map((manifest) => manifest.root), { signal })) {
    leftBytes -= bytes.byteLength;
    if (leftBytes < 0) break;
    nodes.set(digest, bytes);
  }
  const read: ReadBlock = async (digest) => nodes.get(digest) ?? client.fetchBlock(digest, { signal });
  return new Manifest(root, read);
}
