/** Manifests of the core for commands that look into layers: their nodes are fetched in one stream each as far as memory allows, the rest one by one. */
import { MANIFEST_NODES_KEPT_BYTES_MAX, MANIFEST_READ_AHEAD_BYTES_MAX } from '../base/limits/commands.ts';
import type { Digest } from '../chunking/digest.ts';
import { NodeReader, type ReadBlock } from '../manifest/node-reader.ts';
import { Manifest } from '../manifest/read.ts';
import type { CoreClient } from '../wan/core-client.ts';

export interface ManifestCost {
  nodeCount: number;
  nodeBytes: number;
  /** As the core sends them. */
  wireBytes: number;
}

export class CoreManifests {
  readonly #client: CoreClient;
  readonly #signal: AbortSignal;
  readonly #opened: Digest[] = [];
  readonly #fetched = new Map<Digest, Promise<void>>();
  /** One is fetched after the other: each lacks what those before it have brought. */
  #last: Promise<unknown> = Promise.resolve();
  readonly #nodes = new Map<Digest, Uint8Array>();
  #leftBytes = MANIFEST_READ_AHEAD_BYTES_MAX;

  constructor(client: CoreClient, signal: AbortSignal) {
    this.#client = client;
    this.#signal = signal;
  }

  /** Fetches what those that were asked for before lack, when they are there; what has been asked for is not fetched again. May be called while others are under way. */
  async open(root: Digest): Promise<Manifest> {
    const fetched = this.#fetched.get(root) ?? this.#inTurn(root);
    this.#fetched.set(root, fetched);
    await fetched;
    return this.#manifest(root);
  }

  /** The same, and what it cost to get it from the core: a pull by who has those that were opened before asks for just that. */
  async openCounted(root: Digest): Promise<{ readonly manifest: Manifest; readonly cost: ManifestCost }> {
    const cost: ManifestCost = { nodeCount: 0, nodeBytes: 0, wireBytes: 0 };
    await this.#inTurn(root, cost);
    return { manifest: this.#manifest(root), cost };
  }

  #manifest(root: Digest): Manifest {
    return new Manifest(root, new NodeReader(this.#read, MANIFEST_NODES_KEPT_BYTES_MAX));
  }

  #inTurn(root: Digest, cost?: ManifestCost): Promise<void> {
    const fetched = this.#last.then(() => this.#fetch(root, cost));
    this.#last = fetched.catch(() => undefined);
    return fetched;
  }

  /** If it is counted, to its end, whatever is kept of it. */
  async #fetch(root: Digest, cost: ManifestCost | undefined): Promise<void> {
    const receivedBytes = this.#client.receivedBytes.manifests;
    for await (const { digest, bytes } of this.#client.fetchManifest(root, this.#opened, { signal: this.#signal })) {
      if (cost !== undefined) {
        cost.nodeCount += 1;
        cost.nodeBytes += bytes.byteLength;
      }
      if (this.#nodes.has(digest)) continue;
      if (bytes.byteLength <= this.#leftBytes) {
        this.#leftBytes -= bytes.byteLength;
        this.#nodes.set(digest, bytes);
      } else if (cost === undefined) {
        break;
      }
    }
    if (cost !== undefined) cost.wireBytes = this.#client.receivedBytes.manifests - receivedBytes;
    this.#opened.push(root);
  }

  readonly #read: ReadBlock = async (digest) => this.#nodes.get(digest) ?? this.#client.fetchBlock(digest, { signal: this.#signal });
}
