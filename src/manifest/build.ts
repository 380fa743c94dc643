/** Builds the tree as entries come, in key order: memory is one open node a level. docs/formats.md, "Boundaries". */
import { BranchcastError } from '../base/errors.ts';
import { INLINE_PIECES_MAX, MANIFEST_DEPTH_MAX, MANIFEST_ENTRIES_MAX, NODE_SPLIT_BYTES, NODE_SPLIT_ENTRIES } from '../base/limits/manifests.ts';
import type { Digest } from '../chunking/digest.ts';
import { hash } from '../chunking/hash.ts';
import { ChunkListBuilder } from './chunk-list-builder.ts';
import type { Entry, FileEntry, ManifestBlock } from './entry.ts';
import { InteriorWriter, type Child } from './interior-writer.ts';
import { endsNode, keyHash } from './key-hash.ts';
import { compareKeys } from './key.ts';
import { LeafWriter } from './leaf-writer.ts';
import { firstProblem, SafetyCheck } from './safety.ts';

export interface BuiltManifest {
  readonly root: Digest;
  readonly entryCount: number;
  readonly fileCount: number;
  /** Sum of the files' sizes. */
  readonly logicalBytes: number;
  /** Different nodes, those of chunk lists among them. */
  readonly nodeCount: number;
  readonly nodeBytes: number;
}

export class ManifestBuilder {
  readonly #emit: (block: ManifestBlock) => void;
  readonly #check = new SafetyCheck();
  readonly #leaf = new LeafWriter();
  readonly #interiors: InteriorWriter[] = [];
  #entryCount = 0;
  #fileCount = 0;
  #logicalBytes = 0;
  #nodeCount = 0;
  #nodeBytes = 0;
  /** Files may share nodes of their chunk lists; about one for 128 chunks. Nodes of the tree are all different. */
  readonly #listNodes = new Set<Digest>();

  /** Each block is emitted once, children first, the root last. The receiver may keep them. */
  constructor(emit: (block: ManifestBlock) => void) {
    this.#emit = (block) => {
      this.#nodeCount += 1;
      this.#nodeBytes += block.bytes.byteLength;
      emit(block);
    };
  }

  /**
   * Entries in ascending order of their keys, the root directory first. A file may have any number of pieces: above
   * INLINE_PIECES_MAX they become a chunk list. For a file too large for that, see chunkList(). The target of a hardlink must have
   * been added as a file; that is left to the reader. Throws BC_USAGE for an entry that a reader would refuse.
   */
  add(entry: Entry): void {
    const problem = firstProblem(this.#check, entry);
    if (problem !== undefined) throw new BranchcastError('BC_USAGE', `entries cannot be added in this order: ${problem.what}`);
    if (this.#entryCount === MANIFEST_ENTRIES_MAX) throw new BranchcastError('BC_LIMIT_EXCEEDED', `more than ${MANIFEST_ENTRIES_MAX} entries`);
    const stored = entry.type === 'file' ? this.#withList(entry) : entry;
    if (!this.#leaf.append(stored, NODE_SPLIT_BYTES)) {
      this.#finishLeaf();
      this.#leaf.append(stored, NODE_SPLIT_BYTES);
    }
    this.#entryCount += 1;
    if (entry.type === 'file') {
      this.#fileCount += 1;
      this.#logicalBytes += entry.sizeBytes;
      if (!Number.isSafeInteger(this.#logicalBytes)) throw new BranchcastError('BC_LIMIT_EXCEEDED', 'files of more than 2^53 - 1 bytes together');
    }
    if (this.#leaf.entryCount === NODE_SPLIT_ENTRIES || endsNode(keyHash(entry.key), 0)) this.#finishLeaf();
  }

  /** For the content of a file whose pieces should not be held in memory: add them all, finish, then add the file with what that answers. */
  chunkList(): ChunkListBuilder {
    return new ChunkListBuilder((block) => {
      if (this.#listNodes.has(block.digest)) return;
      this.#listNodes.add(block.digest);
      this.#emit(block);
    });
  }

  finish(): BuiltManifest {
    if (this.#entryCount === 0) throw new BranchcastError('BC_USAGE', 'a manifest holds at least the root directory');
    if (this.#leaf.entryCount > 0) this.#finishLeaf();
    return { root: this.#top(), entryCount: this.#entryCount, fileCount: this.#fileCount, logicalBytes: this.#logicalBytes, nodeCount: this.#nodeCount, nodeBytes: this.#nodeBytes };
  }

  /** A level with one node is the top. */
  #top(): Digest {
    for (let level = 1; ; level += 1) {
      const writer = this.#interior(level);
      if (writer.finishedCount === 0 && writer.childCount === 1 && writer.last !== undefined) return writer.last.digest;
      if (writer.childCount > 0) this.#finishInterior(writer);
    }
  }

  #withList(entry: FileEntry): FileEntry {
    if (!('pieces' in entry.content) || entry.content.pieces.length <= INLINE_PIECES_MAX) return entry;
    const list = this.chunkList();
    for (const piece of entry.content.pieces) list.add(piece);
    const wanted = entry.sizeBytes - (entry.holes ?? []).reduce((sum, hole) => sum + hole.lengthBytes, 0);
    if (list.lengthBytes !== wanted) throw new BranchcastError('BC_USAGE', `pieces hold ${list.lengthBytes} bytes of a file that has ${wanted} outside its holes`);
    return { ...entry, content: list.finish() };
  }

  #finishLeaf(): void {
    const { lastKey, entryCount, logicalBytes } = this.#leaf;
    this.#addChild(1, { lastKey, lastKeyHash: keyHash(lastKey), digest: this.#emitNode(this.#leaf.finish()), entryCount, logicalBytes });
  }

  #finishInterior(writer: InteriorWriter): void {
    const { last, level, entryCount, logicalBytes } = writer;
    if (last === undefined) return;
    this.#addChild(level + 1, { lastKey: last.lastKey, lastKeyHash: last.lastKeyHash, digest: this.#emitNode(writer.finish()), entryCount, logicalBytes });
  }

  #addChild(level: number, child: Child): void {
    const writer = this.#interior(level);
    if (!writer.append(child, NODE_SPLIT_BYTES)) {
      this.#finishInterior(writer);
      writer.append(child, NODE_SPLIT_BYTES);
    }
    // Never after the first child, so that each level has at most half the nodes of the one below, whatever the keys.
    if (writer.childCount === NODE_SPLIT_ENTRIES || (writer.childCount > 1 && endsNode(child.lastKeyHash, level))) this.#finishInterior(writer);
  }

  #interior(level: number): InteriorWriter {
    if (level > MANIFEST_DEPTH_MAX) throw new BranchcastError('BC_LIMIT_EXCEEDED', `a tree of more than ${MANIFEST_DEPTH_MAX} levels`);
    return (this.#interiors[level] ??= new InteriorWriter(level));
  }

  #emitNode(bytes: Uint8Array): Digest {
    const digest = hash(bytes);
    this.#emit({ digest, bytes });
    return digest;
  }
}

/** A manifest of entries that come in any order and fit in memory. */
export function buildManifest(entries: Iterable<Entry>, emit: (block: ManifestBlock) => void): BuiltManifest {
  const builder = new ManifestBuilder(emit);
  for (const entry of [...entries].sort((a, b) => compareKeys(a.key, b.key))) builder.add(entry);
  return builder.finish();
}
