/** `branchcast layer publish`: a directory becomes a layer of the core. Captured here, so that publisher and core may be different machines. */
import { Option, type Command } from 'commander';
import { pipe } from 'it-pipe';
import { BranchcastError } from '../base/errors.ts';
import { formatBytes, formatDuration } from '../base/units.ts';
import type { Digest } from '../chunking/digest.ts';
import { hash } from '../chunking/hash.ts';
import { DEFAULT_CHUNKER_PARAMS } from '../chunking/params.ts';
import { captureTree, type Capture, type CaptureProgress } from '../image/capture.ts';
import { encodeDescriptor } from '../manifest/descriptor.ts';
import { layerToJson, type LayerKind, type PublishedLayer } from '../wan/api-messages.ts';
import type { CoreClient } from '../wan/core-client.ts';
import { checkLayerName } from '../wan/layer-ref.ts';
import { uploadBlocks, type UploadBlock, type UploadReport } from '../wan/layer-uploader.ts';
import { action, addCommand, type Invocation } from './command.ts';
import { coreOption, withCore, type CoreOptions } from './core-url.ts';
import { requireLayer } from './require-layer.ts';
import { facts, type Outcome } from './outcome.ts';

interface PublishOptions extends CoreOptions {
  readonly name: string;
  readonly version: string;
  readonly kind: LayerKind;
  readonly parent?: string;
}

interface Published {
  readonly layer: PublishedLayer;
  readonly capture: Capture;
  readonly upload: UploadReport;
  readonly seconds: number;
}

export function addPublishCommand(group: Command): void {
  addCommand(group, 'publish', 'make a layer of a directory; only what the core lacks is sent', [
    'branchcast layer publish ./tree --name base/debian --version 12.8',
    'branchcast layer publish ./editor --name app/editor --version 3.1 --kind app --parent base/debian@12.8 --core http://core:7400',
  ])
    .argument('<dir>', 'directory to publish; nothing in it may change meanwhile')
    .requiredOption('--name <name>', 'name of the layer, such as base/debian')
    .requiredOption('--version <version>', 'its version, such as 12.8')
    .addOption(new Option('--kind <kind>', 'what the layer is').choices(['base', 'app', 'driver']).default('base'))
    .option('--parent <layer>', 'layer that this one builds upon: name@version, name or root')
    .addOption(coreOption())
    .action(action(async (invocation, dir: string, options: PublishOptions): Promise<Outcome> => {
      checkLayerName(options.name, options.version);
      const published = await withCore(options, (client) => publish(client, dir, options, invocation));
      return outcome(published);
    }));
}

async function publish(client: CoreClient, dir: string, options: PublishOptions, { signal, progress }: Invocation): Promise<Published> {
  const startedMs = performance.now();
  const parent = options.parent === undefined ? undefined : (await requireLayer(client, options.parent, signal)).descriptor;
  // Before hours of reading, not after.
  await client.health({ signal });

  let captured: CaptureProgress = { files: 0, logicalBytes: 0 };
  let uploadedBytes = 0;
  const show = (): void => progress.update(`publish: read ${captured.files} files, ${formatBytes(captured.logicalBytes)}; sent ${formatBytes(uploadedBytes)}`);
  const ended = new Ended<Capture>();
  const upload = await pipe(
    () => withDescriptor(ended, captureTree(dir, { signal, onProgress: (done) => { captured = done; show(); } }), options.kind, parent),
    (blocks) => uploadBlocks(client, blocks, { signal, onProgress: (report) => { uploadedBytes = report.uploadBytes; show(); } }),
  );
  const capture = ended.value;
  progress.update('publish: the core checks that all is there');
  const { name, version, kind } = options;
  const layer = await client.commitLayer({ name, version, kind, descriptor: hash(describe(capture, kind, parent)) }, { signal });
  return { layer, capture, upload, seconds: (performance.now() - startedMs) / 1000 };
}

/** The blocks of the tree, then the descriptor, which is known only at their end. */
async function* withDescriptor(ended: Ended<Capture>, tree: AsyncGenerator<UploadBlock, Capture, void>, kind: LayerKind, parent: Digest | undefined): AsyncGenerator<UploadBlock, void, void> {
  ended.value = yield* tree;
  const bytes = describe(ended.value, kind, parent);
  yield { digest: hash(bytes), bytes, kind: 'node' };
}

/** What a generator returned, kept for those who come after the pipeline. */
class Ended<T> {
  #value: T | undefined;

  get value(): T {
    if (this.#value === undefined) throw new BranchcastError('BC_INTERNAL', 'the pipeline ended before its source');
    return this.#value;
  }

  set value(value: T) {
    this.#value = value;
  }
}

function describe({ root, stats }: Capture, kind: LayerKind, parent: Digest | undefined): Uint8Array {
  return encodeDescriptor({
    kind,
    tree: root,
    chunker: DEFAULT_CHUNKER_PARAMS,
    entries: stats.entryCount,
    files: stats.fileCount,
    logicalBytes: stats.logicalBytes,
    chunks: stats.chunkCount,
    chunkBytes: stats.chunkBytes,
    manifestNodes: stats.nodeCount,
    manifestBytes: stats.nodeBytes,
    ...(parent === undefined ? {} : { parent }),
  });
}

/** Deduplication in figures: what the tree is, what of it is different, what was new to the core, what travelled. */
function outcome({ layer, capture, upload, seconds }: Published): Outcome {
  const { skipped, skippedCount } = capture;
  const json = {
    ...layerToJson(layer),
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
    ...(skippedCount === 0 ? [] : [`${skippedCount} entries are not in the layer:`, ...skipped.map(({ path, reason }) => `  ${path}: ${reason}`)]),
  ];
  return { json, text: lines.join('\n'), exitCode: skippedCount > 0 ? 3 : 0 };
}
