/**
 * The nodes of a manifest that are lacking here, from whoever has them. Only nodes that the root leads to are kept, so a lying source
 * cannot fill the disk: parents come before their children, and what no parent named is dropped.
 */
import { BranchcastError } from '../base/errors.ts';
import { MANIFEST_UNASKED_BYTES_MAX, NODE_BATCH_BYTES_MAX } from '../base/limits/trees.ts';
import { formatRoot, type Digest } from '../chunking/digest.ts';
import { hash } from '../chunking/hash.ts';
import type { ManifestBlock } from '../manifest/entry.ts';
import { nodeLinks } from '../manifest/node.ts';
import { OwnFailure, type Sources } from './ask-sources.ts';
import type { SourceKind } from './chunk-source.ts';

/** Where nodes are kept. */
export interface NodeStore {
  get(digest: Digest): Promise<Uint8Array | undefined>;
  put(blocks: readonly ManifestBlock[]): Promise<void>;
  /** Whether every node in it is there with all that is below it. False after an interrupted fetch. */
  readonly whole: boolean;
  /** Notes, durably, that `whole` is now so. */
  setWhole(whole: boolean): Promise<void>;
}

export interface FetchManifestOptions {
  readonly sources: Sources;
  readonly nodes: NodeStore;
  /** Roots whose nodes are in `nodes`: the source need not send what they share. */
  readonly have: readonly Digest[];
  readonly signal: AbortSignal;
  readonly onBytes?: (nodeBytes: number, kind: SourceKind) => void;
}

/** Resolves when every node under `root` is in `nodes`. Throws BC_NO_SOURCE, BC_MANIFEST_MALFORMED, or what `nodes` throws. */
export async function fetchManifest(root: Digest, options: FetchManifestOptions): Promise<void> {
  const { sources, nodes, have, signal, onBytes } = options;
  const trustCached = nodes.whole;
  const lacking = new Set<Digest>();
  const seen = new Set<Digest>();

  /** Marks as lacking what is not here at or below these nodes. */
  async function descend(digests: readonly Digest[]): Promise<void> {
    const stack = [...digests];
    for (let digest = stack.pop(); digest !== undefined; digest = stack.pop()) {
      if (seen.has(digest)) continue;
      seen.add(digest);
      const bytes = await nodes.get(digest);
      if (bytes === undefined) lacking.add(digest);
      else if (!trustCached) stack.push(...nodeLinks(digest, bytes));
    }
  }

  await descend([root]);
  if (lacking.size === 0) return;
  await nodes.setWhole(false);
  await sources.ask(`manifest ${formatRoot(root)}`, signal, async (source, helped) => {
    const before = lacking.size;
    let unaskedBytes = 0;
    let batch: ManifestBlock[] = [];
    let batchBytes = 0;
    let progress = false;
    const flush = async (): Promise<void> => {
      await nodes.put(batch).catch((thrown: unknown) => {
        throw new OwnFailure(thrown);
      });
      batch = [];
      batchBytes = 0;
    };
    try {
      for await (const { digest, bytes } of source.fetchManifest(root, have, { signal })) {
        onBytes?.(bytes.byteLength, source.kind);
        if (hash(bytes) !== digest) throw new BranchcastError('BC_CHUNK_CORRUPT', `${source.name} sent wrong bytes for manifest node ${digest}`, { details: { source: source.name, digest } });
        if (!lacking.has(digest)) {
          unaskedBytes += bytes.byteLength;
          if (unaskedBytes > MANIFEST_UNASKED_BYTES_MAX) throw new BranchcastError('BC_PROTOCOL', `${source.name} sends manifest nodes that the root does not lead to`, { details: { source: source.name } });
          continue;
        }
        const links = nodeLinks(digest, bytes);
        batch.push({ digest, bytes });
        batchBytes += bytes.byteLength;
        if (batchBytes >= NODE_BATCH_BYTES_MAX) await flush();
        lacking.delete(digest);
        await descend(links);
        progress = true;
        helped();
        if (lacking.size === 0) break;
      }
    } finally {
      // What came before a line was lost is kept.
      await flush();
    }
    if (lacking.size === 0) return 'done';
    return progress || lacking.size < before ? 'progress' : 'lacking';
  });
  await nodes.setWhole(true);
}
