/** Manifests of the core for commands that look into layers: their nodes are fetched in one stream each as far as memory allows, the rest one by one. */
import { MANIFEST_NODES_KEPT_BYTES_MAX, MANIFEST_READ_AHEAD_BYTES_MAX } from '../base/limits/commands.ts';
import type { Digest } from '../chunking/digest.ts';
import type { ManifestBlock } from '../manifest/entry.ts';
import { NodeReader, type ReadBlock } from '../manifest/node-reader.ts';
import { Manifest } from '../manifest/read.ts';
import type { CoreClient } from '../wan/core-client.ts';

export class CoreManifests {
  readonly #client: CoreClient;
  readonly #signal: AbortSignal;
  readonly #opened: Digest[] = [];
  readonly #fetched = new Map<Digest, Promise<void>>();
  readonly #nodes = new Map<Digest, Uint8Array>();
  #leftBytes = MANIFEST_READ_AHEAD_BYTES_MAX;

  constructor(client: CoreClient, signal: AbortSignal) {
    this.#client = client;
    this.#signal = signal;
  }

  /**
   * Fetches what those that were opened before lack; what has been opened, or is being, is not fetched again. `onNode` is told of each node that comes, and makes the
   * stream be read to its end, whatever is kept of it.
   */
  async open(root: Digest, onNode?: (block: ManifestBlock) => void): Promise<Manifest> {
    const fetched = this.#fetched.get(root) ?? this.#fetch(root, onNode);
    this.#fetched.set(root, fetched);
    await fetched;
    return new Manifest(root, new NodeReader(this.#read, MANIFEST_NODES_KEPT_BYTES_MAX));
  }

  async #fetch(root: Digest, onNode?: (block: ManifestBlock) => void): Promise<void> {
    for await (const block of this.#client.fetchManifest(root, this.#opened, { signal: this.#signal })) {
      onNode?.(block);
      if (block.bytes.byteLength <= this.#leftBytes) {
        this.#leftBytes -= block.bytes.byteLength;
        this.#nodes.set(block.digest, block.bytes);
      } else if (onNode === undefined) {
        break;
      }
    }
    this.#opened.push(root);
  }

  readonly #read: ReadBlock = async (digest) => this.#nodes.get(digest) ?? this.#client.fetchBlock(digest, { signal: this.#signal });
}
