/** Manifest blocks in memory, and how often they are read. */
import { encode } from '@ipld/dag-cbor';
import type { CID } from 'multiformats/cid';
import { chunkCid, nodeCid, type Digest } from '../../src/chunking/digest.ts';
import { hash } from '../../src/chunking/hash.ts';
import { buildManifest, type BuiltManifest } from '../../src/manifest/build.ts';
import type { Entry, ManifestBlock } from '../../src/manifest/entry.ts';
import { Manifest } from '../../src/manifest/read.ts';

export class BlockMap {
  readonly blocks = new Map<Digest, Uint8Array>();
  readCount = 0;

  /** Builds a manifest into the map. */
  build(entries: Iterable<Entry>): BuiltManifest {
    return buildManifest(entries, (block) => this.put(block));
  }

  put({ digest, bytes }: ManifestBlock): void {
    this.blocks.set(digest, bytes);
  }

  /** Stores a node that is given as a value, encoded by @ipld/dag-cbor. Digests are written as `chunk(…)` and `node(…)`. */
  putNode(value: unknown): Digest {
    const bytes = encode(value);
    const digest = hash(bytes);
    this.blocks.set(digest, bytes);
    return digest;
  }

  manifest(root: Digest): Manifest {
    return new Manifest(root, async (digest) => {
      this.readCount += 1;
      return this.blocks.get(digest);
    });
  }
}

export function chunk(name: string): CID {
  return chunkCid(hash(Buffer.from(name)));
}

export function node(digest: Digest): CID {
  return nodeCid(digest);
}
