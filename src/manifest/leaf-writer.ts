/** Collects the entries of one leaf. */
import { RAW_CODE, type Digest } from '../chunking/digest.ts';
import { BranchcastError } from '../base/errors.ts';
import { CborWriter } from './cbor-writer.ts';
import { FORMAT_VERSION, NODE_KIND } from './entry-ranges.ts';
import { writeEntry } from './entry-encode.ts';
import type { Entry, PathKey, Piece } from './entry.ts';
import { sharedLength } from './key-column.ts';

export class LeafWriter {
  entryCount = 0;
  logicalBytes = 0;
  lastKey: PathKey = Buffer.alloc(0);
  readonly #entries = new CborWriter();
  readonly #chunks = new CborWriter();
  readonly #chunkIndices = new Map<Digest, { readonly index: number; readonly chunkBytes: number }>();
  readonly #node = new CborWriter();

  /** What its chunks and entries weigh so far. */
  get bytes(): number {
    return this.#chunks.length + this.#entries.length;
  }

  /** Appends an entry, unless there are others and the leaf would then hold more than `maxBytes`: false, and nothing has changed. */
  append(entry: Entry, maxBytes: number): boolean {
    const [entriesLength, chunksLength, chunkCount] = [this.#entries.length, this.#chunks.length, this.#chunkIndices.size];
    try {
      writeEntry(this.#entries, entry, this.entryCount === 0 ? 0 : sharedLength(this.lastKey, entry.key), (piece) => this.#chunkIndex(piece));
      if (this.entryCount > 0 && this.bytes > maxBytes) throw FULL;
    } catch (thrown) {
      this.#entries.length = entriesLength;
      this.#chunks.length = chunksLength;
      for (const digest of [...this.#chunkIndices.keys()].slice(chunkCount)) this.#chunkIndices.delete(digest);
      if (thrown === FULL) return false;
      throw thrown;
    }
    this.entryCount += 1;
    this.lastKey = entry.key;
    if (entry.type === 'file') this.logicalBytes += entry.sizeBytes;
    return true;
  }

  /** The node's bytes, its own copy; the writer is empty afterwards. */
  finish(): Buffer {
    const node = this.#node;
    node.length = 0;
    node.array(4);
    node.int(FORMAT_VERSION);
    node.int(NODE_KIND.leaf);
    node.array(this.#chunkIndices.size);
    node.raw(this.#chunks.view());
    node.array(this.entryCount);
    node.raw(this.#entries.view());
    this.#entries.length = 0;
    this.#chunks.length = 0;
    this.#chunkIndices.clear();
    this.entryCount = 0;
    this.logicalBytes = 0;
    return Buffer.from(node.view());
  }

  #chunkIndex({ digest, chunkBytes }: Piece): number {
    const known = this.#chunkIndices.get(digest);
    if (known !== undefined) {
      if (known.chunkBytes !== chunkBytes) throw new BranchcastError('BC_USAGE', `chunk ${digest} is said to have ${known.chunkBytes} bytes and ${chunkBytes} bytes`);
      return known.index;
    }
    const index = this.#chunkIndices.size;
    this.#chunkIndices.set(digest, { index, chunkBytes });
    this.#chunks.array(2);
    this.#chunks.cid(RAW_CODE, digest);
    this.#chunks.int(chunkBytes);
    return index;
  }
}

/** Not an error: the entry belongs to the next leaf. */
const FULL = Symbol('leaf is full');
