/**
 * Makes a layer of what is stored: walks the manifest, sees that every node and chunk of it is there, and counts. The whole
 * check stands before the one batch that makes the layer visible, so a publish that dies leaves only chunks that nobody names.
 * Of a tree that a layer was committed of before, the rules were checked then, and its root says that nothing about it is different:
 * it is seen that all is there, and no more.
 */
import type { Clock } from '../base/clock.ts';
import { asBranchcastError, BranchcastError, hasCode, throwIfAborted } from '../base/errors.ts';
import { MANIFEST_CHUNKS_MAX } from '../base/limits/manifests.ts';
import { COMMITS_WAITING_MAX } from '../base/limits/wan.ts';
import { formatRoot, parseRoot, type Digest } from '../chunking/digest.ts';
import { ChunkLengths } from '../manifest/chunk-lengths.ts';
import { decodeDescriptor, type DescribedCounts, type LayerKind } from '../manifest/descriptor.ts';
import type { Entry, ManifestBlock } from '../manifest/entry.ts';
import { knownBlocks } from '../manifest/known-tree.ts';
import { Manifest } from '../manifest/read.ts';
import type { ChunkStore } from '../store/chunk-store.ts';
import type { PublishedLayer } from '../wan/api-messages.ts';
import { checkLayerName } from '../wan/layer-ref.ts';
import { takenBy, type Catalog } from './catalog.ts';
import type { ChangeFeed } from './change-feed.ts';
import { Gate } from './gate.ts';
import { LayerCount } from './layer-count.ts';
import type { UsageLedger } from './usage-ledger.ts';

export interface CommitRequest {
  readonly name: string;
  readonly version: string;
  readonly kind: LayerKind;
  /** CID text. */
  readonly descriptor: string;
}

export interface CommitResult {
  readonly layer: PublishedLayer;
  /** False: it was committed before, just so. */
  readonly isNew: boolean;
}

export class Committer {
  readonly #store: ChunkStore;
  readonly #catalog: Catalog;
  readonly #ledger: UsageLedger;
  readonly #changes: ChangeFeed;
  readonly #clock: Clock;
  /** One at a time: a commit reads and writes the catalog and the ledger as if it were alone. */
  readonly #gate = new Gate('commits', 1, COMMITS_WAITING_MAX);

  constructor(parts: { readonly store: ChunkStore; readonly catalog: Catalog; readonly ledger: UsageLedger; readonly changes: ChangeFeed; readonly clock: Clock }) {
    this.#store = parts.store;
    this.#catalog = parts.catalog;
    this.#ledger = parts.ledger;
    this.#changes = parts.changes;
    this.#clock = parts.clock;
  }

  /** BC_USAGE, BC_LAYER_EXISTS, BC_MANIFEST_INCOMPLETE, BC_MANIFEST_MALFORMED, BC_DESCRIPTOR_MALFORMED. */
  commit(request: CommitRequest, signal: AbortSignal): Promise<CommitResult> {
    const { name, version } = request;
    checkLayerName(name, version);
    const descriptor = parseRoot(request.descriptor);
    if (descriptor === undefined) throw new BranchcastError('BC_USAGE', `"${request.descriptor}" is not the id of a descriptor`);
    return this.#gate.run(async () => {
      const known = takenBy(this.#catalog, { name, version, descriptor });
      if (known !== undefined) return { layer: known, isNew: false };
      const layer = await this.#count(request, descriptor, signal);
      await this.#catalog.commit(layer);
      this.#changes.notify();
      return { layer, isNew: true };
    }, signal);
  }

  async #count({ name, version, kind }: CommitRequest, descriptor: Digest, signal: AbortSignal): Promise<PublishedLayer> {
    const bytes = await this.#read(descriptor);
    if (bytes === undefined) throw new BranchcastError('BC_MANIFEST_INCOMPLETE', `the descriptor ${formatRoot(descriptor)} of ${name}@${version} is not stored`, { details: { name, version } });
    const described = decodeDescriptor(bytes);
    if (described.kind !== kind) throw new BranchcastError('BC_USAGE', `${name}@${version} is described as a ${described.kind} layer, not as a ${kind} layer`);

    const sequence = await this.#catalog.takeSequence();
    const manifest = new Manifest(described.tree, (digest) => this.#read(digest));
    const before = this.#catalog.resolve({ root: described.tree });
    const count = (): LayerCount => LayerCount.of(this.#store, this.#ledger, sequence);
    const countTree = before === undefined ? count : () => LayerCount.ofKnown(this.#store);
    const [own, nodes, chunks] = [count(), countTree(), countTree()];
    await own.add(descriptor, bytes.byteLength);
    const walked = before === undefined ? await walk(manifest, { nodes, chunks }, signal) : await walkAgain(manifest, before, { nodes, chunks }, signal);
    for (const count of [own, nodes, chunks]) await count.finish();
    if (chunks.missingCount > 0) {
      throw new BranchcastError('BC_MANIFEST_INCOMPLETE', `${chunks.missingCount} chunks of ${name}@${version} are not stored`, { details: { name, version, missingCount: chunks.missingCount } });
    }
    checkDescribed(described, {
      ...walked,
      chunks: chunks.count, chunkBytes: chunks.bytes, manifestNodes: nodes.count, manifestBytes: nodes.bytes,
    });
    const counts = [own, nodes, chunks];
    return {
      name, version, kind, root: described.tree, descriptor,
      entryCount: described.entries, fileCount: described.files, logicalBytes: described.logicalBytes,
      chunkCount: chunks.count, chunkBytes: chunks.bytes, manifestNodeCount: nodes.count, manifestBytes: nodes.bytes,
      storedBytes: Math.round(counts.reduce((sum, count) => sum + count.storedShare, 0)),
      newStoredBytes: Math.round(counts.reduce((sum, count) => sum + count.newStoredShare, 0)),
      newStoredChunkBytes: Math.round(chunks.newStoredShare),
      publishedAt: new Date(this.#clock.wallMs()).toISOString(), sequence,
    };
  }

  /** Rot is dropped by the store as it is found: to publish again heals it. */
  async #read(digest: Digest): Promise<Uint8Array | undefined> {
    try {
      return await this.#store.get(digest);
    } catch (thrown) {
      if (hasCode(thrown, 'BC_CHUNK_CORRUPT')) return undefined;
      throw asBranchcastError(thrown);
    }
  }
}

interface Counting {
  readonly nodes: LayerCount;
  readonly chunks: LayerCount;
}

type WalkedCounts = Pick<DescribedCounts, 'entries' | 'files' | 'logicalBytes'>;

/** Checks the whole tree, and counts what it names. */
async function walk(manifest: Manifest, { nodes, chunks }: Counting, signal: AbortSignal): Promise<WalkedCounts> {
  let files = 0;
  const passing = {
    entry: (type: Entry['type']) => void (files += Number(type === 'file')),
    block: (block: ManifestBlock) => {
      throwIfAborted(signal);
      return nodes.add(block.digest, block.bytes.byteLength);
    },
  };
  for await (const chunk of manifest.chunks(passing)) {
    throwIfAborted(signal);
    await chunks.add(chunk.digest, chunk.bytes);
  }
  // What the top says of entries and bytes, the walk has held against every node below.
  const { node: top } = await manifest.nodes.tree({ digest: manifest.root, claim: undefined });
  return { entries: top.entryCount, files, logicalBytes: top.logicalBytes };
}

/** Counts what a tree names that `before` was committed of, each chunk once. */
async function walkAgain(manifest: Manifest, before: PublishedLayer, { nodes, chunks }: Counting, signal: AbortSignal): Promise<WalkedCounts> {
  const counted = new ChunkLengths(MANIFEST_CHUNKS_MAX);
  for await (const { block, chunks: named } of knownBlocks(manifest)) {
    throwIfAborted(signal);
    await nodes.add(block.digest, block.bytes.byteLength);
    if (named === undefined) continue;
    for (const index of named.indices()) if (named.note(index, counted) === undefined) await chunks.add(named.digest(index), named.lengthBytes(index));
  }
  return { entries: before.entryCount, files: before.fileCount, logicalBytes: before.logicalBytes };
}

/** A descriptor must tell the truth of what is to be fetched, since everybody plans by it. */
function checkDescribed(described: DescribedCounts, counted: DescribedCounts): void {
  for (const [what, count] of Object.entries(counted)) {
    const said = described[what as keyof typeof counted];
    if (said !== count) throw new BranchcastError('BC_DESCRIPTOR_MALFORMED', `the descriptor says ${what} = ${said}, the manifest has ${count}`, { details: { what, said, count } });
  }
}
