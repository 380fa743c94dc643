/** A ChunkSource that does what a test tells it. */
import type { Digest } from '../../src/chunking/digest.ts';
import type { ManifestBlock } from '../../src/manifest/entry.ts';
import type { ChunkSource, FrameOptions, LayerRecord, SourceKind } from '../../src/transfer/chunk-source.ts';

export interface Script {
  resolve?(ref: string): Promise<LayerRecord | undefined>;
  manifest?(root: Digest, have: readonly Digest[]): AsyncIterable<ManifestBlock>;
  frames?(digests: readonly Digest[], options: FrameOptions): AsyncIterable<Uint8Array>;
}

export class ScriptedSource implements ChunkSource {
  readonly name: string;
  readonly kind: SourceKind;
  readonly #script: Script;
  /** The digests of each call of fetchFrames. */
  readonly asked: (readonly Digest[])[] = [];

  constructor(name: string, kind: SourceKind, script: Script) {
    this.name = name;
    this.kind = kind;
    this.#script = script;
  }

  async resolveLayer(ref: string): Promise<LayerRecord | undefined> {
    return this.#script.resolve?.(ref);
  }

  async *fetchManifest(root: Digest, have: readonly Digest[]): AsyncGenerator<ManifestBlock> {
    yield* this.#script.manifest?.(root, have) ?? [];
  }

  async fetchBlock(): Promise<Uint8Array | undefined> {
    return undefined;
  }

  async *fetchFrames(digests: readonly Digest[], options: FrameOptions): AsyncGenerator<Uint8Array> {
    this.asked.push([...digests]);
    yield* this.#script.frames?.(digests, options) ?? [];
  }
}
