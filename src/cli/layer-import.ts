/** `branchcast layer import`: what `layer export` wrote becomes a layer of this core. Every block is verified; only what the core lacks is sent. */
import type { Command } from 'commander';
import { BranchcastError, hasCode } from '../base/errors.ts';
import { formatBytes } from '../base/units.ts';
import { layerToJson, type PublishedLayer } from '../wan/api-messages.ts';
import type { CoreClient } from '../wan/core-client.ts';
import type { ExportBase, ExportRecord } from '../wan/export-record.ts';
import { readLayerCar } from '../wan/layer-car.ts';
import { checkLayerName } from '../wan/layer-ref.ts';
import { uploadBlocks, type UploadReport } from '../wan/layer-uploader.ts';
import { action, addCommand, type Invocation } from './command.ts';
import { coreOption, withCore, type CoreOptions } from './core-url.ts';
import { readInput } from './input-file.ts';
import { facts, type Outcome } from './outcome.ts';

interface ImportOptions extends CoreOptions {
  readonly name?: string;
  readonly version?: string;
}

interface Imported {
  readonly layer: PublishedLayer;
  readonly upload: UploadReport;
}

export function addImportCommand(group: Command): void {
  addCommand(group, 'import', 'publish a layer from a CAR file that `layer export` wrote', [
    'branchcast layer import debian.car',
    'branchcast layer import update.car --core http://core:7400 --json',
    'branchcast layer import - --name base/debian --version 12.8-lab < debian.car',
  ])
    .argument('<file>', 'the CAR file; - is stdin')
    .option('--name <name>', 'another name for the layer than it was exported under')
    .option('--version <version>', 'another version')
    .addOption(coreOption())
    .action(action(async (invocation, file: string, options: ImportOptions): Promise<Outcome> => outcome(await importLayer(file, options, invocation))));
}

async function importLayer(file: string, options: ImportOptions, { signal, progress }: Invocation): Promise<Imported> {
  return withCore(options, async (client) => {
    const bytes = readInput(file, signal);
    try {
      const { record, descriptor, blocks } = await readLayerCar(bytes);
      const { name = record.name, version = record.version } = options;
      checkLayerName(name, version);
      // Before hours of reading, not after.
      await checkFree(client, name, version, record, signal);
      await checkBases(client, record, signal);
      const upload = await uploadBlocks(client, blocks, {
        signal,
        onProgress: ({ chunkBytes, uploadBytes }) => progress.update(`import: read ${formatBytes(chunkBytes)} of chunks, sent ${formatBytes(uploadBytes)}`),
      });
      progress.update('import: the core checks that all is there');
      const layer = await client.commitLayer({ name, version, kind: descriptor.kind, descriptor: record.descriptor }, { signal }).catch((thrown: unknown) => {
        throw hasCode(thrown, 'BC_MANIFEST_INCOMPLETE') ? incomplete(record, thrown) : thrown;
      });
      return { layer, upload };
    } finally {
      await bytes.return();
    }
  });
}

async function checkFree(client: CoreClient, name: string, version: string, { descriptor }: ExportRecord, signal: AbortSignal): Promise<void> {
  const taken = await client.resolveLayer(`${name}@${version}`, { signal });
  if (taken === undefined || taken.descriptor === descriptor) return;
  throw new BranchcastError('BC_LAYER_EXISTS', `${client.name} has ${name}@${version} with other content: import it with --version`, { details: { name, version } });
}

async function checkBases(client: CoreClient, record: ExportRecord, signal: AbortSignal): Promise<void> {
  const missing = await client.missing(record.bases.map(({ root }) => root), { signal });
  const lacking = record.bases.filter((_, index) => missing[index] === true);
  if (lacking.length === 0) return;
  throw new BranchcastError('BC_MANIFEST_INCOMPLETE', `${client.name} lacks ${names(lacking)}, which the file of ${record.name}@${record.version} builds upon: import or publish that first`, { details: { bases: names(lacking) } });
}

function incomplete({ name, version, bases }: ExportRecord, cause: BranchcastError): BranchcastError {
  const why = bases.length === 0 ? 'the file is cut off, or was not written by `layer export`' : `the file is cut off, or the core does not hold all of ${names(bases)}`;
  return new BranchcastError('BC_MANIFEST_INCOMPLETE', `${name}@${version} was not imported: ${why} (${cause.message})`, { details: { ...cause.details, bases: names(bases) }, cause });
}

function names(bases: readonly ExportBase[]): string {
  return bases.map(({ name, version }) => `${name}@${version}`).join(', ');
}

function outcome({ layer, upload }: Imported): Outcome {
  const json = layerToJson(layer);
  const text = facts([
    ['layer', `${layer.name}@${layer.version}`],
    ['kind', layer.kind],
    ['root', json.root],
    ['read', `${formatBytes(upload.chunkBytes)} in ${upload.chunkCount} chunks, ${formatBytes(upload.nodeBytes)} in ${upload.nodeCount} blocks of manifest`],
    ['new', `${formatBytes(upload.newRawBytes)} in ${upload.newChunkCount} chunks and nodes`],
    ['uploaded', formatBytes(upload.uploadBytes)],
  ]);
  return { json: { ...json, readChunkCount: upload.chunkCount, readNodeCount: upload.nodeCount, newChunkCount: upload.newChunkCount, newRawBytes: upload.newRawBytes, uploadedBytes: upload.uploadBytes }, text };
}
