/** `branchcast layer diff`: what changed between two layers, and how many bytes a machine that has the first lacks for the second. */
import type { Command } from 'commander';
import { formatBytes } from '../base/units.ts';
import type { Digest } from '../chunking/digest.ts';
import { diffManifests, type ManifestChange } from '../manifest/diff.ts';
import type { Entry } from '../manifest/entry.ts';
import { displayPath } from '../manifest/key.ts';
import type { Manifest } from '../manifest/read.ts';
import { action, addCommand, type Invocation } from './command.ts';
import { openManifest } from './core-manifest.ts';
import { coreOption, withCore, type CoreOptions } from './core-url.ts';
import { exactChanges } from './exact-changes.ts';
import type { Outcome } from './outcome.ts';
import { requireLayer } from './require-layer.ts';

interface Difference {
  readonly change: 'added' | 'removed' | 'changed';
  readonly path: string;
  readonly type: Entry['type'];
  /** Of a file: its size in the layer that has it, the second one first. */
  readonly sizeBytes?: number;
  /** Of what changed: false if only metadata differs. */
  readonly contentChanged?: boolean;
}

interface Diff {
  readonly differences: readonly Difference[];
  /** Chunks of the second layer that the first has nowhere, before compression. */
  readonly newChunkCount: number;
  readonly newChunkBytes: number;
}

const SIGN = { added: '+', removed: '-', changed: '~' } as const;

export function addDiffCommand(group: Command): void {
  addCommand(group, 'diff', 'list what changed between two layers, and the bytes to move', ['branchcast layer diff base/debian@12.7 base/debian@12.8', 'branchcast layer diff base/debian@12.7 base/debian --json'])
    .argument('<before>', 'name@version, name or root')
    .argument('<after>', 'name@version, name or root')
    .addOption(coreOption())
    .action(action(async (invocation, before: string, after: string, options: CoreOptions): Promise<Outcome> => outcome(await diffLayers(before, after, options, invocation))));
}

async function diffLayers(before: string, after: string, options: CoreOptions, { signal, progress }: Invocation): Promise<Diff> {
  return withCore(options, async (client) => {
    const [a, b] = [await requireLayer(client, before, signal), await requireLayer(client, after, signal)];
    progress.update('diff: reading manifests');
    const from = await openManifest(client, a.root, [], signal);
    const to = await openManifest(client, b.root, [from], signal);
    const differences: Difference[] = [];
    const wanted = new Map<Digest, number>();
    for await (const change of exactChanges(diffManifests(from, to), (digests) => client.fetchChunks(digests, { signal }))) {
      signal.throwIfAborted();
      differences.push(describe(change));
      if (change.after?.type === 'file') for await (const piece of to.pieces(change.after)) wanted.set(piece.digest, piece.chunkBytes);
    }
    await dropHeld(wanted, from);
    return { differences, newChunkCount: wanted.size, newChunkBytes: [...wanted.values()].reduce((sum, bytes) => sum + bytes, 0) };
  });
}

/** What a changed file shares with any file of the first layer is there already. */
async function dropHeld(wanted: Map<Digest, number>, from: Manifest): Promise<void> {
  if (wanted.size === 0) return;
  for await (const { digest } of from.chunks()) wanted.delete(digest);
}

function describe({ kind, before, after, contentChanged }: ManifestChange): Difference {
  const entry = (after ?? before) as Entry;
  return {
    change: kind,
    path: displayPath(entry.key),
    type: entry.type,
    ...(entry.type === 'file' ? { sizeBytes: entry.sizeBytes } : {}),
    ...(kind === 'changed' ? { contentChanged } : {}),
  };
}

function outcome({ differences, newChunkCount, newChunkBytes }: Diff): Outcome {
  const count = (wanted: Difference['change']): number => differences.filter(({ change }) => change === wanted).length;
  const counts = { added: count('added'), removed: count('removed'), changed: count('changed') };
  const lines = differences.map(({ change, path, sizeBytes, contentChanged }) => {
    const note = contentChanged === false ? '  (metadata)' : sizeBytes === undefined ? '' : `  ${formatBytes(sizeBytes)}`;
    return `${SIGN[change]} ${path === '' ? '.' : path}${note}`;
  });
  const summary = `${counts.added} added, ${counts.removed} removed, ${counts.changed} changed; to move: ${newChunkCount} chunks, ${formatBytes(newChunkBytes)} before compression`;
  return { json: { counts, newChunkCount, newChunkBytes, differences }, text: [...lines, summary].join('\n') };
}
