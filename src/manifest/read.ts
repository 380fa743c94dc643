/**
 * Reads a manifest. Nothing that a ReadBlock gives is believed: every node is verified against its digest and checked against
 * what its parent claims, every walk checks the rules of the whole tree. Memory does not grow with the tree, but for chunks().
 *
 * Every method throws BC_MANIFEST_INCOMPLETE for a node that is not there, BC_CHUNK_CORRUPT for one with other bytes, and
 * BC_MANIFEST_MALFORMED, BC_MANIFEST_UNSAFE or BC_FORMAT_VERSION for one that breaks the format.
 */
import { MANIFEST_CHUNKS_MAX } from '../base/limits/manifests.ts';
import { ENTRIES_TOGETHER } from '../base/limits/trees.ts';
import type { Digest } from '../chunking/digest.ts';
import { chunkListLeaves } from './chunk-list-walk.ts';
import { ChunkLengths } from './chunk-lengths.ts';
import type { ChunkTable } from './chunk-table.ts';
import { holeBytes } from './entry-decode.ts';
import type { Entry, FileEntry, ManifestBlock, PathKey, Piece } from './entry.ts';
import { compareKeys, displayPath, isWithin, keyAfterTree, parentKey, ROOT_KEY } from './key.ts';
import type { Leaf } from './leaf.ts';
import { malformed, nodeError } from './node-error.ts';
import { NodeReader, treeChild, type ReadBlock, type TreeRef } from './node-reader.ts';
import { SafetyCheck } from './safety.ts';

export type { ReadBlock } from './node-reader.ts';

export interface ManifestChunk {
  readonly digest: Digest;
  /** Its length. */
  readonly bytes: number;
}

/** A leaf, and the run of its entries that a walk is about. */
export interface LeafRun {
  readonly digest: Digest;
  readonly leaf: Leaf;
  readonly from: number;
  readonly to: number;
}

/** What a walk over all chunks is told to hand out on its way. */
export interface PassingBy {
  entry?(type: Entry['type']): void;
  /** Every node's block once. */
  block?(block: ManifestBlock): Promise<void>;
}

export class Manifest {
  readonly root: Digest;
  /** For walks that know the form of the tree: diff.ts, missing-blocks.ts. */
  readonly nodes: NodeReader;
  /** The whole tree has been gone through, and keeps the rules: what its digests name is the same for ever. */
  #isSafe = false;

  /** `source`: a reader, if several manifests are to share what is kept of their nodes. */
  constructor(root: Digest, source: ReadBlock | NodeReader) {
    this.root = root;
    this.nodes = source instanceof NodeReader ? source : new NodeReader(source);
  }

  /** Every entry in key order, or the entry `prefix` and all that is below it. */
  async *entries(prefix: PathKey = ROOT_KEY): AsyncGenerator<Entry> {
    for await (const entries of this.runs(prefix)) yield* entries;
  }

  /** The same, some at a time, those of whole leaves: whoever goes through a large tree need not wait for each entry. */
  async *runs(prefix: PathKey = ROOT_KEY): AsyncGenerator<readonly Entry[]> {
    let run: Entry[] = [];
    for await (const { leaf, from, to } of this.#checkedRuns(prefix)) {
      for (let index = from; index < to; index += 1) run.push(leaf.entryAt(index));
      if (run.length < ENTRIES_TOGETHER) continue;
      yield run;
      run = [];
    }
    if (run.length > 0) yield run;
  }

  /** The same as leaves, in which entries are looked at without being made. */
  leaves(): AsyncGenerator<LeafRun> {
    return this.#checkedRuns(ROOT_KEY);
  }

  /** Files that may have a wanted chunk, in key order: those of which a piece is of one, and those with a chunk list, which is not read for that. */
  async *filesOf(isWanted: (digest: Digest) => boolean): AsyncGenerator<FileEntry> {
    for await (const { leaf, from, to } of this.#checkedRuns(ROOT_KEY)) {
      const wanted = new Set([...leaf.chunks.indices()].filter((chunk) => isWanted(leaf.chunks.digest(chunk))));
      for (let index = from; index < to; index += 1) {
        if (leaf.listAt(index) === undefined && (wanted.size === 0 || !leaf.chunksOf(index).some((chunk) => wanted.has(chunk)))) continue;
        const entry = leaf.entryAt(index);
        if (entry.type === 'file') yield entry;
      }
    }
  }

  async lookup(key: PathKey): Promise<Entry | undefined> {
    const found = await this.#seek(key);
    return found !== undefined && found.leaf.keys.compareTo(found.from, key) === 0 ? found.leaf.entryAt(found.from) : undefined;
  }

  /** What stands in a directory, in order of names; nothing if there is no such directory. */
  async *list(directory: PathKey): AsyncGenerator<Entry> {
    if (directory.length > 0 && (await this.lookup(directory))?.type !== 'directory') return;
    let wanted: PathKey | undefined = Buffer.concat([directory, Buffer.of(directory.length === 0 ? 1 : 0)]);
    let run: LeafRun | undefined;
    while (wanted !== undefined) {
      const index: number = run?.leaf.keys.firstFrom(wanted) ?? 0;
      run = run !== undefined && index < run.to ? { ...run, from: index } : await this.#seek(wanted);
      if (run === undefined) return;
      const key: PathKey = run.leaf.keys.at(run.from);
      if (!isWithin(key, directory)) return;
      if (compareKeys(parentKey(key) ?? ROOT_KEY, directory) !== 0) throw nodeError('BC_MANIFEST_UNSAFE', run.digest, `${displayPath(key)} stands in what is not a directory`);
      yield run.leaf.entryAt(run.from);
      wanted = keyAfterTree(key);
    }
  }

  /** The pieces of a file of this manifest, its chunk list expanded. */
  async *pieces(file: FileEntry): AsyncGenerator<Piece> {
    if ('pieces' in file.content) {
      yield* file.content.pieces;
      return;
    }
    for await (const { chunks } of chunkListLeaves(this.nodes, file.content.list, { wantedBytes: file.sizeBytes - holeBytes(file.holes) })) {
      for (let index = 0; index < chunks.length; index += 1) {
        const lengthBytes = chunks.lengthBytes(index);
        yield { digest: chunks.digest(index), chunkBytes: lengthBytes, offsetBytes: 0, lengthBytes };
      }
    }
  }

  /** Every chunk once, in the order of first use: the canonical chunk order of the layer. Walks and checks the whole tree. */
  async *chunks(passing: PassingBy = {}): AsyncGenerator<ManifestChunk> {
    const lengths = new ChunkLengths(MANIFEST_CHUNKS_MAX);
    const seen = new Map<Digest, number>();
    for await (const { digest, leaf } of this.#checkedRuns(ROOT_KEY, passing)) {
      if (passing.entry !== undefined) for (let index = 0; index < leaf.entryCount; index += 1) passing.entry(leaf.typeAt(index));
      if (!leaf.hasLists) {
        yield* newChunks(leaf.chunks, leaf.chunks.indices(), lengths, digest);
        continue;
      }
      for (let index = 0; index < leaf.entryCount; index += 1) {
        yield* newChunks(leaf.chunks, leaf.chunksOf(index), lengths, digest);
        const list = leaf.listAt(index);
        if (list === undefined) continue;
        const walk = { wantedBytes: leaf.contentBytes(index), seen, onBlock: passing.block?.bind(passing) };
        for await (const { chunks } of chunkListLeaves(this.nodes, list, walk)) yield* newChunks(chunks, chunks.indices(), lengths, list);
      }
    }
  }

  /** Every node's block once, parents before children. */
  async *blocks(): AsyncGenerator<ManifestBlock> {
    const seen = new Map<Digest, number>();
    const stack: TreeRef[] = [{ digest: this.root, claim: undefined }];
    for (let ref = stack.pop(); ref !== undefined; ref = stack.pop()) {
      const { node, bytes } = await this.nodes.tree(ref);
      yield { digest: ref.digest, bytes };
      if (node.kind === 'interior') {
        for (let index = node.childCount - 1; index >= 0; index -= 1) stack.push(treeChild(node, index, ref.claim?.after));
        continue;
      }
      yield* this.listBlocks(node, seen);
    }
  }

  /** Blocks of the chunk lists of a leaf's files, less those in `seen`, to which they are added. */
  async *listBlocks(leaf: Leaf, seen: Map<Digest, number>): AsyncGenerator<ManifestBlock> {
    for (let index = 0; index < leaf.entryCount; index += 1) {
      const list = leaf.listAt(index);
      if (list === undefined) continue;
      const blocks: ManifestBlock[] = [];
      for await (const _ of chunkListLeaves(this.nodes, list, { wantedBytes: leaf.contentBytes(index), seen, onBlock: async (block) => void blocks.push(block) })) yield* blocks.splice(0);
      yield* blocks;
    }
  }

  /** Walks the leaves that hold `prefix` and what is below it, and holds the entries to the rules of the whole tree. */
  async *#checkedRuns(prefix: PathKey, passing: PassingBy = {}): AsyncGenerator<LeafRun> {
    if (this.#isSafe) {
      yield* this.#runs(prefix, passing);
      return;
    }
    const check = new SafetyCheck(await this.#directoriesAbove(prefix));
    for await (const run of this.#runs(prefix, passing)) {
      const { digest, leaf, from, to } = run;
      for (let index = from; index < to; index += 1) {
        const type = leaf.typeAt(index);
        const problem = check.next(leaf.keys.at(index), type);
        if (problem !== undefined) throw nodeError(problem.code, digest, problem.what);
        if (type === 'hardlink') await this.#checkHardlink(leaf.entryAt(index), digest);
      }
      yield run;
    }
    if (prefix.length === 0) this.#isSafe = true;
  }

  async *#runs(prefix: PathKey, passing: PassingBy): AsyncGenerator<LeafRun> {
    const end = keyAfterTree(prefix);
    const stack: TreeRef[] = [{ digest: this.root, claim: undefined }];
    for (let ref = stack.pop(); ref !== undefined; ref = stack.pop()) {
      const { node, bytes } = await this.nodes.tree(ref);
      await passing.block?.({ digest: ref.digest, bytes });
      const { keys } = node;
      const from = keys.firstFrom(prefix);
      const to = end === undefined ? keys.length : keys.firstFrom(end);
      if (node.kind === 'leaf') {
        if (from < to) yield { digest: ref.digest, leaf: node, from, to };
        continue;
      }
      // The child after the last one whose keys all lie before the end may still begin before it.
      for (let index = Math.min(to, keys.length - 1); index >= from; index -= 1) stack.push(treeChild(node, index, ref.claim?.after));
    }
  }

  /** The first entry whose key is not smaller, with the leaf that it is in. */
  async #seek(key: PathKey): Promise<LeafRun | undefined> {
    let ref: TreeRef = { digest: this.root, claim: undefined };
    for (;;) {
      const { node } = await this.nodes.tree(ref);
      const index = node.keys.firstFrom(key);
      if (index === node.keys.length) return undefined;
      if (node.kind === 'leaf') return { digest: ref.digest, leaf: node, from: index, to: node.entryCount };
      ref = treeChild(node, index, ref.claim?.after);
    }
  }

  /** The directories that lead to `key`, the root first, as far as they are directories. */
  async #directoriesAbove(key: PathKey): Promise<PathKey[]> {
    const above: PathKey[] = [];
    for (let parent = parentKey(key); parent !== undefined; parent = parentKey(parent)) above.unshift(parent);
    const found: PathKey[] = [];
    for (const directory of above) {
      if ((await this.lookup(directory))?.type !== 'directory') break;
      found.push(directory);
    }
    return found;
  }

  async #checkHardlink(link: Entry, node: Digest): Promise<void> {
    if (link.type !== 'hardlink') return;
    const target = compareKeys(link.target, link.key) < 0 ? await this.lookup(link.target) : undefined;
    if (target?.type !== 'file') throw nodeError('BC_MANIFEST_UNSAFE', node, `the hardlink ${displayPath(link.key)} leads to ${displayPath(link.target)}, which is no file before it`);
  }
}

/** Chunks that have not been noted yet; refuses one whose length differs from what was noted. */
function* newChunks(table: ChunkTable, indices: Iterable<number>, lengths: ChunkLengths, node: Digest): Generator<ManifestChunk> {
  for (const index of indices) {
    const bytes = table.lengthBytes(index);
    const noted = table.note(index, lengths);
    if (noted === undefined) yield { digest: table.digest(index), bytes };
    else if (noted !== bytes) throw malformed(node, `chunk ${table.digest(index)} has ${bytes} bytes here and ${noted} elsewhere`);
  }
}
