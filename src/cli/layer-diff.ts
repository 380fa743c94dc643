/** `branchcast layer diff`: what changed between two layers, and how many bytes a machine that has the first lacks for the second. */
import { Option, type Command } from 'commander';
import { BranchcastError } from '../base/errors.ts';
import { DIRECTORY_DEPTH_MAX } from '../base/limits/commands.ts';
import type { Digest } from '../chunking/digest.ts';
import type { ManifestChange } from '../manifest/change.ts';
import { diffManifests } from '../manifest/diff.ts';
import type { Manifest } from '../manifest/read.ts';
import { withRenames } from '../manifest/renames.ts';
import { transferCost } from '../wan/transfer-cost.ts';
import { action, addCommand, type Invocation } from './command.ts';
import { CoreManifests } from './core-manifest.ts';
import { coreOption, withCore, type CoreOptions } from './core-url.ts';
import { DiffSums, differenceOf, type Difference, type DiffReport } from './diff-report.ts';
import { diffText } from './diff-text.ts';
import { exactChanges } from './exact-changes.ts';
import type { Outcome } from './outcome.ts';
import type { FetchChunks } from './piece-bytes.ts';
import { requireLayer } from './require-layer.ts';
import { smallContents } from './small-contents.ts';

interface DiffOptions extends CoreOptions {
  readonly stat?: boolean;
  /** True: without a depth. */
  readonly byDirectory?: number | true;
}

export function addDiffCommand(group: Command): void {
  addCommand(group, 'diff', 'list what changed between two layers, and the bytes to move', [
    'branchcast layer diff base/debian@12.7 base/debian@12.8',
    'branchcast layer diff base/debian@12.7 base/debian --stat',
    'branchcast layer diff base/debian@12.7 base/debian --by-directory 2',
    'branchcast layer diff base/debian@12.7 base/debian --json',
  ])
    .argument('<before>', 'name@version, name or root')
    .argument('<after>', 'name@version, name or root')
    .option('--stat', 'counts and a histogram for each directory, instead of the list')
    .addOption(new Option('--by-directory [depth]', 'counts and bytes to move for each directory, this deep, instead of the list').argParser(parseDepth))
    .addOption(coreOption())
    .action(action(async (invocation, before: string, after: string, options: DiffOptions): Promise<Outcome> => {
      const report = await diffLayers(before, after, options, invocation);
      const { counts, newChunkCount, newChunkBytes, newStoredBytes, directories, differences } = report;
      return { json: { counts, newChunkCount, newChunkBytes, newStoredBytes, directories, differences }, text: diffText(report, options) };
    }));
}

function parseDepth(text: string): number {
  const depth = Number(text);
  if (!Number.isSafeInteger(depth) || depth < 1 || depth > DIRECTORY_DEPTH_MAX) throw new BranchcastError('BC_USAGE', `--by-directory ${text}: a depth is a whole number from 1 on`);
  return depth;
}

async function diffLayers(before: string, after: string, { byDirectory, ...options }: DiffOptions, { signal, progress }: Invocation): Promise<DiffReport> {
  return withCore(options, async (client) => {
    const [a, b] = [await requireLayer(client, before, signal), await requireLayer(client, after, signal)];
    progress.update('diff: reading manifests');
    const manifests = new CoreManifests(client, signal);
    const from = await manifests.open(a.root);
    const to = await manifests.open(b.root);
    const sums = new DiffSums(typeof byDirectory === 'number' ? byDirectory : 1);
    const fetchChunks: FetchChunks = (digests) => client.fetchChunks(digests, { signal });
    const differences: Difference[] = [];
    // A file that changed its bundle and nothing else is no difference, but its new bundle must be moved.
    const noted = noteChunks(diffManifests(from, to), to, sums);
    for await (const change of withRenames(exactChanges(noted, fetchChunks), smallContents(fetchChunks))) {
      signal.throwIfAborted();
      differences.push(differenceOf(change));
      sums.add(change);
      progress.update(`diff: ${differences.length} differences`);
    }
    await dropHeld(sums.wanted, from);
    const cost = await transferCost(client, [...sums.wanted.keys()], { signal });
    return { ...sums.result(), newStoredBytes: cost.storedShareBytes, differences };
  });
}

async function* noteChunks(changes: AsyncIterable<ManifestChange>, to: Manifest, sums: DiffSums): AsyncGenerator<ManifestChange, void, undefined> {
  for await (const change of changes) {
    if (change.contentChanged && change.after?.type === 'file') for await (const piece of to.pieces(change.after)) sums.want(piece, change.after);
    yield change;
  }
}

/** What a changed file shares with any file of the first layer is there already. */
async function dropHeld(wanted: Map<Digest, unknown>, from: Manifest): Promise<void> {
  if (wanted.size === 0) return;
  for await (const { digest } of from.chunks()) wanted.delete(digest);
}
