/** Collects the children of one interior node. */
import { DAG_CBOR_CODE, type Digest } from '../chunking/digest.ts';
import { CborWriter } from './cbor-writer.ts';
import { FORMAT_VERSION, NODE_KIND } from './entry-ranges.ts';
import type { PathKey } from './entry.ts';
import { sharedLength } from './key-column.ts';

/** A finished node, as its parent names it. */
export interface Child {
  readonly lastKey: PathKey;
  readonly lastKeyHash: number;
  readonly digest: Digest;
  readonly entryCount: number;
  readonly logicalBytes: number;
}

export class InteriorWriter {
  readonly level: number;
  childCount = 0;
  entryCount = 0;
  logicalBytes = 0;
  /** Of the last child. */
  last: Child | undefined;
  /** Nodes that it has finished. */
  finishedCount = 0;
  readonly #children = new CborWriter();
  readonly #node = new CborWriter();

  constructor(level: number) {
    this.level = level;
  }

  /** Appends a child, unless there are others and the node would then hold more than `maxBytes`: false, and nothing has changed. */
  append(child: Child, maxBytes: number): boolean {
    const writer = this.#children;
    const { length } = writer;
    const shared = this.last === undefined ? 0 : sharedLength(this.last.lastKey, child.lastKey);
    writer.array(5);
    writer.int(shared);
    writer.bytes(child.lastKey, shared);
    writer.cid(DAG_CBOR_CODE, child.digest);
    writer.int(child.entryCount);
    writer.int(child.logicalBytes);
    if (this.childCount > 0 && writer.length > maxBytes) {
      writer.length = length;
      return false;
    }
    this.childCount += 1;
    this.entryCount += child.entryCount;
    this.logicalBytes += child.logicalBytes;
    this.last = child;
    return true;
  }

  /** The node's bytes, its own copy; the writer is empty afterwards. */
  finish(): Buffer {
    const node = this.#node;
    node.length = 0;
    node.array(4);
    node.int(FORMAT_VERSION);
    node.int(NODE_KIND.interior);
    node.int(this.level);
    node.array(this.childCount);
    node.raw(this.#children.view());
    this.#children.length = 0;
    this.childCount = 0;
    this.entryCount = 0;
    this.logicalBytes = 0;
    this.last = undefined;
    this.finishedCount += 1;
    return Buffer.from(node.view());
  }
}
