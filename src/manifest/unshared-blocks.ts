/** What may be deleted with an old manifest. */
import type { Digest } from '../chunking/digest.ts';
import type { Manifest } from './read.ts';

/**
 * Nodes of `manifest` that none of `others` holds anywhere. Unlike missingBlocks it is exact for chunk lists too, and reads everything:
 * a file may have moved with its list. Throws if any of them cannot be read whole: then it is not known what is needed.
 */
export async function* unsharedBlocks(manifest: Manifest, others: readonly Manifest[]): AsyncGenerator<Digest> {
  const needed = new Set<Digest>();
  for (const other of others) for await (const { digest } of other.blocks()) needed.add(digest);
  for await (const { digest } of manifest.blocks()) if (!needed.has(digest)) yield digest;
}
