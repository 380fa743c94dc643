/** Brings a directory to a layer: resolve, manifest, plan, local seed, fetch, switch, clean up. Each step can be broken off and is resumed. */
import { join } from 'node:path';
import { BranchcastError } from '../base/errors.ts';
import { UPDATE_NODES_KEPT_BYTES_MAX } from '../base/limits/manifests.ts';
import type { Digest } from '../chunking/digest.ts';
import { NodeReader } from '../manifest/node-reader.ts';
import { Manifest } from '../manifest/read.ts';
import { unsharedBlocks } from '../manifest/unshared-blocks.ts';
import { Pace } from '../image/pace.ts';
import { openTarget, type Target } from '../image/target.ts';
import type { Sources } from '../transfer/ask-sources.ts';
import type { LayerRecord, SourceKind } from '../transfer/chunk-source.ts';
import { fetchChunks } from '../transfer/fetch-chunks.ts';
import { fetchManifest } from '../transfer/fetch-manifest.ts';
import { NodeCache } from './node-cache.ts';

/** Where the bytes of a pull came from. Frame and node bytes as the network carried them; for the seed, chunk bytes. */
export type BytesBySource = { readonly [K in SourceKind | 'seed']: number };

export const PULL_STATES = ['resolving', 'manifest', 'planning', 'seeding', 'fetching', 'switching', 'in force', 'applied'] as const;
/** `in force`: the directory is the layer, and what was there before is being removed. */
export type PullState = (typeof PULL_STATES)[number];

export interface PullProgress {
  readonly state: PullState;
  readonly layer: LayerRecord | undefined;
  /** Bytes of the chunks that are needed (new to the target), and of those that are written. */
  readonly neededBytes: number;
  readonly doneBytes: number;
  readonly bytes: BytesBySource;
}

export interface PullOptions {
  /** `name@version`, or `name` for the newest. */
  readonly ref: string;
  /** What `ref` is, if somebody has just asked. */
  readonly layer?: LayerRecord | undefined;
  readonly target: string;
  /** Take over a directory that holds files which branchcast did not put there. */
  readonly adopt?: boolean;
  /** False: no second tree of the target's files is kept beside it for the next update. */
  readonly spare?: boolean;
  /** False: chunks are fetched whole although the target holds an older version. */
  readonly deltas?: boolean;
  readonly sources: Sources;
  readonly signal: AbortSignal;
  onProgress?(progress: PullProgress): void;
}

export interface PullResult {
  readonly layer: LayerRecord;
  /** False: the target was that layer already, and nothing was written. */
  readonly changed: boolean;
  readonly bytes: BytesBySource;
}

/** Rejects also if only the clean-up after the switch failed: the layer is in force then, which `onProgress` was told. */
export async function pullLayer(options: PullOptions): Promise<PullResult> {
  const { ref, sources, signal } = options;
  const progress = new Progress(options);
  const target = await openTarget(options.target, { adopt: options.adopt ?? false, spare: options.spare ?? true });
  try {
    const layer = options.layer ?? (await resolveLayer(ref, sources, signal));
    progress.update({ layer, state: 'manifest' });
    const nodes = await NodeCache.open(join(target.stateDir, 'nodes'));
    try {
      const current = target.current();
      await fetchManifest(layer.root, {
        sources,
        nodes,
        have: current === undefined ? [] : [current.root],
        signal,
        onBytes: (bytes, kind) => progress.received(bytes, kind),
      });
      const reader = new NodeReader((digest) => nodes.get(digest), UPDATE_NODES_KEPT_BYTES_MAX);
      const changed = await apply(target, layer, reader, options, progress);
      if (changed) progress.update({ state: 'in force' });
      await target.cleanedUp();
      if (current !== undefined && current.root !== layer.root) await forgetNodes(nodes, new Manifest(current.root, reader), new Manifest(layer.root, reader));
      progress.update({ state: 'applied' });
      return { layer, changed, bytes: progress.bytes };
    } finally {
      await nodes.close();
    }
  } finally {
    await target.close();
  }
}

/** What a source that answers first says `ref` is now. Throws BC_LAYER_NOT_FOUND, BC_NO_SOURCE. */
export async function resolveLayer(ref: string, sources: Sources, signal: AbortSignal): Promise<LayerRecord> {
  let layer: LayerRecord | undefined;
  try {
    await sources.ask(`layer ${ref}`, signal, async (source) => {
      layer = await source.resolveLayer(ref, { signal });
      return layer === undefined ? 'lacking' : 'done';
    });
  } catch (thrown) {
    // Everybody answered, and nobody knows it.
    if (thrown instanceof BranchcastError && thrown.code === 'BC_NO_SOURCE' && thrown.cause === undefined) {
      throw new BranchcastError('BC_LAYER_NOT_FOUND', `no layer ${ref}: ${thrown.message}`, { cause: thrown });
    }
    throw thrown;
  }
  if (layer === undefined) throw new BranchcastError('BC_LAYER_NOT_FOUND', `no layer ${ref}`);
  return layer;
}

/** Whether anything had to be written. */
async function apply(target: Target, layer: LayerRecord, reader: NodeReader, options: PullOptions, progress: Progress): Promise<boolean> {
  const { sources, signal } = options;
  const current = target.current();
  const before = current === undefined ? undefined : new Manifest(current.root, reader);
  progress.update({ state: 'planning' });
  const staging = await target.stage(new Manifest(layer.root, reader), before, { signal });
  const label = { layer: `${layer.name}@${layer.version}`, descriptor: layer.descriptor };
  if (staging === undefined) {
    // The same tree may have been published under another name or version.
    target.relabel(label);
    return false;
  }

  progress.update({ state: 'seeding', neededBytes: staging.neededBytes });
  await staging.seed({
    signal,
    onChunk: (chunkBytes) => {
      progress.received(chunkBytes, 'seed');
      progress.wrote(chunkBytes);
    },
  });
  const pace = new Pace(signal);
  progress.update({ state: 'fetching', doneBytes: staging.neededBytes - staging.missingBytes() });
  await fetchChunks(
    staging.wanted().map(({ digest }) => digest),
    sources,
    {
      onChunks: async (chunks) => {
        await staging.writeAll(chunks);
        if (pace.due) await pace.turn();
        progress.wrote(chunks.reduce((sum, { bytes }) => sum + bytes.byteLength, 0));
      },
      onBytes: (frameBytes, kind) => progress.received(frameBytes, kind),
    },
    signal,
    options.deltas === false ? undefined : staging.oldContent({ signal }),
  );
  progress.update({ state: 'switching' });
  await staging.switch(label, { signal });
  return true;
}

/** Takes away the nodes that only the version before needed. Exact: a renamed file's chunk list is in both. */
async function forgetNodes(nodes: NodeCache, before: Manifest, after: Manifest): Promise<void> {
  const unneeded: Digest[] = [];
  try {
    for await (const digest of unsharedBlocks(before, [after])) unneeded.push(digest);
  } catch (thrown) {
    // The old manifest has gaps (a crash in an earlier clean-up): what can be listed is taken away.
    if (!(thrown instanceof BranchcastError)) throw thrown;
  }
  await nodes.delete(unneeded);
}

class Progress {
  readonly #options: PullOptions;
  #now: PullProgress = { state: 'resolving', layer: undefined, neededBytes: 0, doneBytes: 0, bytes: { reflector: 0, peers: 0, core: 0, seed: 0 } };

  constructor(options: PullOptions) {
    this.#options = options;
    this.update({});
  }

  get bytes(): BytesBySource {
    return this.#now.bytes;
  }

  update(change: Partial<PullProgress>): void {
    this.#now = { ...this.#now, ...change };
    this.#options.onProgress?.(this.#now);
  }

  received(bytes: number, kind: SourceKind | 'seed'): void {
    this.update({ bytes: { ...this.#now.bytes, [kind]: this.#now.bytes[kind] + bytes } });
  }

  wrote(bytes: number): void {
    this.update({ doneBytes: this.#now.doneBytes + bytes });
  }
}
