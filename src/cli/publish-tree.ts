/** A directory becomes a layer of the core: captured here, so that publisher and core may be different machines; only what the core lacks is sent. */
import { pipe } from 'it-pipe';
import { BranchcastError, hasCode } from '../base/errors.ts';
import { REQUEST_DIGESTS_MAX } from '../base/limits/wan.ts';
import { formatBytes } from '../base/units.ts';
import type { Digest } from '../chunking/digest.ts';
import { hash } from '../chunking/hash.ts';
import { DEFAULT_CHUNKER_PARAMS } from '../chunking/params.ts';
import { CaptureCache, CaptureCacheWriter } from '../image/capture-cache.ts';
import { captureTree, captureUnchanged, type Capture, type CaptureProgress } from '../image/capture.ts';
import type { ReadAhead } from '../image/read-ahead.ts';
import { encodeDescriptor, type LayerKind } from '../manifest/descriptor.ts';
import type { PublishedLayer } from '../wan/api-messages.ts';
import type { CoreClient } from '../wan/core-client.ts';
import { NOTHING_UPLOADED, uploadBlocks, type UploadBlock, type UploadReport } from '../wan/layer-uploader.ts';
import type { Invocation } from './command.ts';

export interface TreeToPublish {
  readonly dir: string;
  readonly name: string;
  readonly version: string;
  readonly kind: LayerKind;
  /** The parent's descriptor. */
  readonly parent: Digest | undefined;
  /** What is remembered of the tree, and will be; undefined: nothing. */
  readonly cachePath: string | undefined;
  /** Every file is read, whatever is remembered of it. */
  readonly forceRead: boolean;
  /** Begun before, for a tree of which nothing is remembered. */
  readonly ahead: ReadAhead | undefined;
  readonly workerCount: number | undefined;
}

export interface PublishedTree {
  readonly layer: PublishedLayer;
  readonly capture: Capture;
  readonly upload: UploadReport;
  /** Why the next publish will have to read everything again. */
  readonly cacheProblem: string | undefined;
}

/** BC_TREE_CHANGED, BC_TREE_UNREADABLE, BC_LAYER_EXISTS, and what else the core answers. */
export async function publishTree(client: CoreClient, tree: TreeToPublish, invocation: Invocation): Promise<PublishedTree> {
  const { cachePath, forceRead } = tree;
  const cache = cachePath === undefined || forceRead ? undefined : CaptureCache.load(cachePath, DEFAULT_CHUNKER_PARAMS);
  try {
    return await publishWith(client, tree, cache, invocation);
  } catch (error) {
    // The core has lost what it had when it was asked: the files are needed after all.
    if (cache === undefined || !hasCode(error, 'BC_MANIFEST_INCOMPLETE')) throw error;
    return publishWith(client, tree, undefined, invocation);
  }
}

async function publishWith(client: CoreClient, tree: TreeToPublish, cache: CaptureCache | undefined, invocation: Invocation): Promise<PublishedTree> {
  const { signal, progress } = invocation;
  const { dir, cachePath, ahead } = tree;
  const unchanged = cache === undefined ? undefined : await captureUnchanged(dir, cache, signal);
  if (unchanged !== undefined) {
    const layer = await commitIfStored(client, tree, unchanged, invocation);
    if (layer !== undefined) return { layer, capture: unchanged, upload: NOTHING_UPLOADED, cacheProblem: undefined };
  }
  const stored = cache === undefined || unchanged !== undefined ? new Set<Digest>() : await storedOf(client, cache.chunks(), signal);
  const record = cachePath === undefined || unchanged !== undefined ? undefined : new CaptureCacheWriter();
  const memory = { known: cache?.reader((digest) => stored.has(digest)), record };

  let captured: CaptureProgress = { files: 0, logicalBytes: 0 };
  let uploadedBytes = 0;
  const show = (): void => progress.update(`publish: read ${captured.files} files, ${formatBytes(captured.logicalBytes)}; sent ${formatBytes(uploadedBytes)}`);
  const onProgress = (done: CaptureProgress): void => {
    captured = done;
    show();
  };
  const ended = new Ended<Capture>();
  const upload = await pipe(
    () => withDescriptor(ended, unchanged, () => captureTree(dir, { memory, ahead, signal, onProgress }), tree),
    (blocks) => uploadBlocks(client, blocks, { signal, workerCount: tree.workerCount, onProgress: (report) => { uploadedBytes = report.uploadBytes; show(); } }),
  );
  const capture = ended.value;
  const committed = commit(client, tree, capture, invocation);
  // While the core checks: it is true of the tree however that ends.
  const cacheProblem = record === undefined || cachePath === undefined ? undefined : problemOf(() => record.save(cachePath, DEFAULT_CHUNKER_PARAMS, capture));
  return { layer: await committed, capture, upload, cacheProblem };
}

function commit(client: CoreClient, tree: TreeToPublish, capture: Capture, { signal, progress }: Invocation): Promise<PublishedLayer> {
  progress.update('publish: the core checks that all is there');
  const { name, version, kind } = tree;
  return client.commitLayer({ name, version, kind, descriptor: hash(describe(capture, tree)) }, { signal });
}

/** A tree that has not changed was most likely published to this core before: then there is nothing to ask it for. undefined if it lacks anything. */
async function commitIfStored(client: CoreClient, tree: TreeToPublish, capture: Capture, invocation: Invocation): Promise<PublishedLayer | undefined> {
  try {
    return await commit(client, tree, capture, invocation);
  } catch (error) {
    if (hasCode(error, 'BC_MANIFEST_INCOMPLETE')) return undefined;
    throw error;
  }
}

/** Which of these the core has. */
async function storedOf(client: CoreClient, digests: readonly Digest[], signal: AbortSignal): Promise<Set<Digest>> {
  const stored = new Set<Digest>();
  for (let start = 0; start < digests.length; start += REQUEST_DIGESTS_MAX) {
    const asked = digests.slice(start, start + REQUEST_DIGESTS_MAX);
    const missing = await client.missing(asked, { signal });
    for (const [index, digest] of asked.entries()) if (missing[index] === false) stored.add(digest);
  }
  return stored;
}

/** The blocks of the tree, if it has to be captured, then the descriptor, which is known only at their end. */
async function* withDescriptor(ended: Ended<Capture>, unchanged: Capture | undefined, blocks: () => AsyncGenerator<UploadBlock, Capture, void>, tree: TreeToPublish): AsyncGenerator<UploadBlock, void, void> {
  ended.value = unchanged ?? (yield* blocks());
  const bytes = describe(ended.value, tree);
  yield { digest: hash(bytes), bytes, kind: 'node' };
}

/** What a generator returned, kept for those who come after the pipeline. */
class Ended<T> {
  #value: T | undefined;

  get value(): T {
    if (this.#value === undefined) throw new BranchcastError('BC_INTERNAL', 'the pipeline ended before its source');
    return this.#value;
  }

  set value(value: T) {
    this.#value = value;
  }
}

function describe({ root, stats }: Capture, { kind, parent }: TreeToPublish): Uint8Array {
  return encodeDescriptor({
    kind,
    tree: root,
    chunker: DEFAULT_CHUNKER_PARAMS,
    entries: stats.entryCount,
    files: stats.fileCount,
    logicalBytes: stats.logicalBytes,
    chunks: stats.chunkCount,
    chunkBytes: stats.chunkBytes,
    manifestNodes: stats.nodeCount,
    manifestBytes: stats.nodeBytes,
    ...(parent === undefined ? {} : { parent }),
  });
}

/** The layer is published whether it can be remembered or not. */
function problemOf(work: () => void): string | undefined {
  try {
    work();
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}
