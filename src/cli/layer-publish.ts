/** `branchcast layer publish`. */
import { existsSync } from 'node:fs';
import { Option, type Command } from 'commander';
import { BranchcastError } from '../base/errors.ts';
import { FRAME_WORKERS_MAX } from '../base/limits/store.ts';
import { formatBytes, formatDuration } from '../base/units.ts';
import { DEFAULT_CHUNKER_PARAMS } from '../chunking/params.ts';
import { captureCachePath } from '../image/capture-cache-path.ts';
import { ReadAhead } from '../image/read-ahead.ts';
import { treeRoot } from '../image/walk.ts';
import type { LayerKind } from '../manifest/descriptor.ts';
import type { LayerJson } from '../wan/api-messages.ts';
import { action, addCommand, type Invocation } from './command.ts';
import { coreOption, withCore, type CoreOptions } from './core-url.ts';
import { requireLayer } from './require-layer.ts';
import { facts, type Outcome } from './outcome.ts';
import type { PublishedTree, TreeToPublish } from './publish-tree.ts';
import { userCacheDir } from './user-cache.ts';

interface PublishOptions extends CoreOptions {
  readonly name: string;
  readonly version: string;
  readonly kind: LayerKind;
  readonly parent?: string;
  /** False for --no-cache. */
  readonly cache: boolean;
  readonly cacheDir?: string;
  readonly forceRead?: boolean;
  readonly workers?: number;
}


export function addPublishCommand(group: Command): void {
  addCommand(group, 'publish', 'make a layer of a directory; only what the core lacks is sent', [
    'branchcast layer publish ./tree --name base/debian --version 12.8',
    'branchcast layer publish ./editor --name app/editor --version 3.1 --kind app --parent base/debian@12.8 --core http://core:7400',
    'branchcast layer publish /srv/build --name app/build --version 7 --workers 8 --force-read',
  ])
    .argument('<dir>', 'directory to publish; nothing in it may change meanwhile')
    .requiredOption('--name <name>', 'name of the layer, such as base/debian')
    .requiredOption('--version <version>', 'its version, such as 12.8')
    .addOption(new Option('--kind <kind>', 'what the layer is').choices(['base', 'app', 'driver']).default('base'))
    .option('--parent <layer>', 'layer that this one builds upon: name@version, name or root')
    .option('--workers <count>', 'threads that compress; as many as there are processors if not given', workerCount)
    .option('--force-read', 'read every file, also those that have not changed since the last publish of this directory')
    .option('--no-cache', 'neither use nor keep what is remembered of this directory')
    .option('--cache-dir <dir>', 'where that is kept (default: branchcast/ in $XDG_CACHE_HOME or ~/.cache)')
    .addOption(coreOption())
    .action(action(async (invocation, dir: string, options: PublishOptions): Promise<Outcome> => {
      const startedMs = performance.now();
      const cachePath = options.cache ? captureCachePath(options.cacheDir ?? userCacheDir(), dir) : undefined;
      const isKnown = cachePath !== undefined && options.forceRead !== true && existsSync(cachePath);
      const ahead = isKnown ? undefined : new ReadAhead(treeRoot(dir), DEFAULT_CHUNKER_PARAMS);
      // A thread looks at the tree while what else a publish needs is loaded and the core is asked.
      ahead?.begin();
      try {
        return await publish(dir, options, { cachePath, ahead }, startedMs, invocation);
      } finally {
        await ahead?.close();
      }
    }));
}

async function publish(dir: string, options: PublishOptions, begun: Pick<TreeToPublish, 'cachePath' | 'ahead'>, startedMs: number, invocation: Invocation): Promise<Outcome> {
  const [{ publishTree }, { checkLayerName }, { layerToJson }] = await Promise.all([import('./publish-tree.ts'), import('../wan/layer-ref.ts'), import('../wan/api-messages.ts')]);
  const { name, version, kind } = options;
  checkLayerName(name, version);
  const published = await withCore(options, async (client) => {
    const { signal } = invocation;
    const parent = options.parent === undefined ? undefined : (await requireLayer(client, options.parent, signal)).descriptor;
    // A core that is not there is said before hours of reading, not after; a core that is there is not waited for.
    const noCore = new AbortController();
    client.health({ signal }).catch((error: unknown) => noCore.abort(error));
    const tree = { dir, name, version, kind, parent, ...begun, forceRead: options.forceRead ?? false, workerCount: options.workers };
    return publishTree(client, tree, { ...invocation, signal: AbortSignal.any([signal, noCore.signal]) });
  });
  return outcome(published, layerToJson(published.layer), (performance.now() - startedMs) / 1000);
}

function workerCount(text: string): number {
  const count = Number(text);
  if (Number.isInteger(count) && count >= 1 && count <= FRAME_WORKERS_MAX) return count;
  throw new BranchcastError('BC_USAGE', `--workers is a number from 1 to ${FRAME_WORKERS_MAX}, not "${text}"`);
}

/** Deduplication in figures: what the tree is, what of it is different, what was new to the core, what travelled. */
function outcome({ layer, capture, upload, cacheProblem }: PublishedTree, layerJson: LayerJson, seconds: number): Outcome {
  const { skipped, skippedCount } = capture;
  const json = {
    ...layerJson,
    newChunkCount: upload.newChunkCount,
    newRawBytes: upload.newRawBytes,
    uploadedBytes: upload.uploadBytes,
    seconds,
    skippedCount,
    skipped,
  };
  const lines = [
    facts([
      ['layer', `${layer.name}@${layer.version}`],
      ['root', json.root],
      ['logical', `${formatBytes(layer.logicalBytes)} in ${layer.fileCount} files`],
      ['unique', `${formatBytes(layer.chunkBytes)} in ${layer.chunkCount} chunks`],
      ['new', `${formatBytes(upload.newRawBytes)} in ${upload.newChunkCount} chunks and nodes`],
      ['stored', `${formatBytes(layer.storedBytes)}, of that new ${formatBytes(layer.newStoredBytes)}`],
      ['uploaded', `${formatBytes(upload.uploadBytes)} in ${formatDuration(seconds * 1000)}`],
    ]),
    ...(cacheProblem === undefined ? [] : [`the next publish reads all files again, since nothing could be kept of this one: ${cacheProblem}`]),
    ...(skippedCount === 0 ? [] : [`${skippedCount} entries are not in the layer:`, ...skipped.map(({ path, reason }) => `  ${path}: ${reason}`)]),
  ];
  return { json, text: lines.join('\n'), exitCode: skippedCount > 0 ? 3 : 0 };
}
