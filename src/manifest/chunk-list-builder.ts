/** The chunk list of one large file, as its chunks come: memory does not grow with the file. docs/formats.md, "Chunk list". */
import { BranchcastError } from '../base/errors.ts';
import { CHUNK_BYTES_MAX } from '../base/limits/frames.ts';
import { FILE_CHUNKS_MAX, INLINE_PIECES_MAX, NODE_SPLIT_ENTRIES } from '../base/limits/manifests.ts';
import { DAG_CBOR_CODE, RAW_CODE, type Digest } from '../chunking/digest.ts';
import { hash } from '../chunking/hash.ts';
import { CborWriter } from './cbor-writer.ts';
import { FORMAT_VERSION, NODE_KIND } from './entry-ranges.ts';
import type { Content, ManifestBlock, Piece } from './entry.ts';
import { digestEndsNode } from './key-hash.ts';

interface Level {
  readonly items: CborWriter;
  itemCount: number;
  lengthBytes: number;
  chunkCount: number;
  finishedCount: number;
  lastDigest: Digest | undefined;
}

export class ChunkListBuilder {
  readonly #emit: (block: ManifestBlock) => void;
  readonly #levels: Level[] = [];
  /** Kept until it is known that the file needs a list. */
  readonly #pieces: Piece[] = [];
  #chunkCount = 0;
  #lengthBytes = 0;

  constructor(emit: (block: ManifestBlock) => void) {
    this.#emit = emit;
  }

  get lengthBytes(): number {
    return this.#lengthBytes;
  }

  add(piece: Piece): void {
    const { chunkBytes, lengthBytes } = piece;
    if (!Number.isSafeInteger(chunkBytes) || chunkBytes <= 0 || chunkBytes > CHUNK_BYTES_MAX) throw new BranchcastError('BC_USAGE', `a chunk of ${chunkBytes} bytes: not 1 to ${CHUNK_BYTES_MAX}`);
    if (this.#chunkCount === FILE_CHUNKS_MAX) throw new BranchcastError('BC_LIMIT_EXCEEDED', `a file of more than ${FILE_CHUNKS_MAX} chunks`);
    this.#chunkCount += 1;
    this.#lengthBytes += lengthBytes;
    if (this.#chunkCount <= INLINE_PIECES_MAX) {
      this.#pieces.push(piece);
      return;
    }
    if (this.#chunkCount === INLINE_PIECES_MAX + 1) for (const early of this.#pieces) this.#addChunk(early);
    this.#addChunk(piece);
  }

  /** Few pieces as they came, many as the digest of their list, whose nodes have been emitted, children first. */
  finish(): Content {
    if (this.#chunkCount <= INLINE_PIECES_MAX) return { pieces: this.#pieces };
    for (let at = 0; ; at += 1) {
      const level = this.#level(at);
      if (at > 0 && level.finishedCount === 0 && level.itemCount === 1) return { list: level.lastDigest as Digest };
      if (level.itemCount > 0) this.#finishNode(at);
    }
  }

  #addChunk({ digest, chunkBytes, offsetBytes, lengthBytes }: Piece): void {
    if (offsetBytes !== 0 || lengthBytes !== chunkBytes) throw new BranchcastError('BC_USAGE', `a file of more than ${INLINE_PIECES_MAX} pieces is made of whole chunks`);
    const { items } = this.#level(0);
    items.array(2);
    items.cid(RAW_CODE, digest);
    items.int(chunkBytes);
    this.#added(0, digest, chunkBytes, 1);
  }

  #added(at: number, digest: Digest, lengthBytes: number, chunkCount: number): void {
    const level = this.#level(at);
    level.itemCount += 1;
    level.lengthBytes += lengthBytes;
    level.chunkCount += chunkCount;
    level.lastDigest = digest;
    // An interior never ends after its first child, so that each level has at most half the nodes of the one below.
    const mayEnd = at === 0 || level.itemCount > 1;
    if (level.itemCount === NODE_SPLIT_ENTRIES || (mayEnd && digestEndsNode(Number.parseInt(digest.slice(0, 2), 16)))) this.#finishNode(at);
  }

  #finishNode(at: number): void {
    const level = this.#level(at);
    const node = new CborWriter();
    node.array(at === 0 ? 3 : 4);
    node.int(FORMAT_VERSION);
    node.int(at === 0 ? NODE_KIND.chunkListLeaf : NODE_KIND.chunkListInterior);
    if (at > 0) node.int(at);
    node.array(level.itemCount);
    node.raw(level.items.view());
    const bytes = Buffer.from(node.view());
    const digest = hash(bytes);
    this.#emit({ digest, bytes });
    const { lengthBytes, chunkCount } = level;
    level.items.length = 0;
    level.itemCount = 0;
    level.lengthBytes = 0;
    level.chunkCount = 0;
    level.finishedCount += 1;
    const { items } = this.#level(at + 1);
    items.array(3);
    items.cid(DAG_CBOR_CODE, digest);
    items.int(lengthBytes);
    items.int(chunkCount);
    this.#added(at + 1, digest, lengthBytes, chunkCount);
  }

  #level(at: number): Level {
    return (this.#levels[at] ??= { items: new CborWriter(), itemCount: 0, lengthBytes: 0, chunkCount: 0, finishedCount: 0, lastDigest: undefined });
  }
}
