/** `branchcast layer export`: a layer, or what of it another core lacks, as a CAR file that goes where no network does. */
import type { Command } from 'commander';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { BranchcastError } from '../base/errors.ts';
import { EXPORT_BATCH_BYTES, EXPORT_BATCHES_MAX, MANIFEST_CHUNKS_MAX } from '../base/limits/manifests.ts';
import { HAVE_ROOTS_MAX, REQUEST_DIGESTS_MAX } from '../base/limits/wan.ts';
import { formatBytes } from '../base/units.ts';
import { formatRoot, type Digest } from '../chunking/digest.ts';
import { hash } from '../chunking/hash.ts';
import { writeCar, type CarBlock } from '../manifest/car.ts';
import { ChunkLengths } from '../manifest/chunk-lengths.ts';
import type { Manifest, ManifestChunk } from '../manifest/read.ts';
import { decodeFrame } from '../store/frame-decode.ts';
import type { PublishedLayer } from '../wan/api-messages.ts';
import type { CoreClient } from '../wan/core-client.ts';
import { CoreSource } from '../wan/core-source.ts';
import { encodeExportRecord } from '../wan/export-record.ts';
import { orderedMap } from '../wan/ordered-map.ts';
import { writeAside } from './aside-file.ts';
import { action, addCommand, type Invocation } from './command.ts';
import { CoreManifests } from './core-manifest.ts';
import { coreOption, withCore, type CoreOptions } from './core-url.ts';
import { facts, type Outcome } from './outcome.ts';
import { requireLayer } from './require-layer.ts';

interface ExportOptions extends CoreOptions {
  readonly missingFrom: readonly string[];
  readonly car: string;
  readonly json?: boolean;
}

interface Exported {
  readonly layer: PublishedLayer;
  readonly bases: readonly PublishedLayer[];
  readonly counts: Counts;
  readonly fileBytes: number;
}

interface Counts {
  nodeCount: number;
  nodeBytes: number;
  chunkCount: number;
  chunkBytes: number;
}

export function addExportCommand(group: Command): void {
  addCommand(group, 'export', 'write a layer, or what another core lacks of it, to a CAR file', [
    'branchcast layer export base/debian@12.8 --car debian.car',
    'branchcast layer export base/debian@12.8 --missing-from base/debian@12.7 --car update.car',
    'branchcast layer export base/debian --car - | ssh elsewhere branchcast layer import -',
  ])
    .argument('<layer>', 'name@version, name or root')
    .requiredOption('--car <file>', 'where to; - is stdout')
    .option('--missing-from <layer>', 'a layer that the other core has: what is in it is left out; may be repeated', (ref: string, others: string[]) => [...others, ref], [])
    .addOption(coreOption())
    .action(action(async (invocation, ref: string, options: ExportOptions): Promise<Outcome> => {
      const isPiped = options.car === '-';
      if (isPiped && options.json === true) throw new BranchcastError('BC_USAGE', 'stdout cannot take the CAR and JSON: name a file for --car');
      if (options.missingFrom.length > HAVE_ROOTS_MAX) throw new BranchcastError('BC_USAGE', `--missing-from names ${options.missingFrom.length} layers; at most ${HAVE_ROOTS_MAX}`);
      const exported = outcome(await exportLayer(ref, options, invocation), options.car);
      if (!isPiped) return exported;
      invocation.progress.clear();
      process.stderr.write(`${exported.text}\n`);
      return { ...exported, text: '' };
    }));
}

async function exportLayer(ref: string, options: ExportOptions, { signal, progress }: Invocation): Promise<Exported> {
  return withCore(options, async (client) => {
    const layer = await requireLayer(client, ref, signal);
    const bases: PublishedLayer[] = [];
    for (const base of options.missingFrom) bases.push(await requireLayer(client, base, signal));
    progress.update('export: reading manifests');
    const manifests = new CoreManifests(client, signal);
    const held = new Held();
    for (const { root } of bases) await held.add(await manifests.open(root));
    const manifest = await manifests.open(layer.root);
    const counts: Counts = { nodeCount: 0, nodeBytes: 0, chunkCount: 0, chunkBytes: 0 };
    const blocks = counted(blocksOf({ client, layer, bases, manifest, held, signal }), counts, () => {
      progress.update(`export: ${formatBytes(counts.chunkBytes)} in ${counts.chunkCount} chunks of at most ${formatBytes(layer.chunkBytes)}`);
    });
    const record = hash(recordOf(layer, bases));
    const car = writeCar([layer.descriptor, record], blocks);
    const fileBytes = options.car === '-' ? await writeOut(car, signal) : await writeAside(options.car, car);
    return { layer, bases, counts, fileBytes };
  });
}

/** What the bases hold. */
class Held {
  readonly #nodes = new Set<Digest>();
  readonly #chunks = new ChunkLengths(HAVE_ROOTS_MAX * MANIFEST_CHUNKS_MAX);

  async add(manifest: Manifest): Promise<void> {
    for await (const { digest } of manifest.blocks()) this.#nodes.add(digest);
    for await (const { digest, bytes } of manifest.chunks()) this.#chunks.add(digest, bytes);
  }

  hasNode(digest: Digest): boolean {
    return this.#nodes.has(digest);
  }

  hasChunk(digest: Digest): boolean {
    return this.#chunks.lengthOf(digest) !== undefined;
  }
}

interface ExportParts {
  readonly client: CoreClient;
  readonly layer: PublishedLayer;
  readonly bases: readonly PublishedLayer[];
  readonly manifest: Manifest;
  readonly held: Held;
  readonly signal: AbortSignal;
}

/** The same layer and bases give the same bytes: record, descriptor, nodes with parents first, chunks in canonical order. */
async function* blocksOf({ client, layer, bases, manifest, held, signal }: ExportParts): AsyncGenerator<CarBlock, void, undefined> {
  const record = recordOf(layer, bases);
  yield { digest: hash(record), bytes: record, kind: 'node' };
  const descriptor = await client.fetchBlock(layer.descriptor, { signal });
  if (descriptor === undefined || hash(descriptor) !== layer.descriptor) throw lacking(layer, layer.descriptor);
  yield { digest: layer.descriptor, bytes: descriptor, kind: 'node' };
  for await (const { digest, bytes } of manifest.blocks()) if (!held.hasNode(digest)) yield { digest, bytes, kind: 'node' };
  const source = new CoreSource(client);
  const fetchBatch = orderedMap(EXPORT_BATCHES_MAX, async (batch: readonly Digest[]): Promise<CarBlock[]> => {
    const wanted = new Set(batch);
    const chunks = new Map<Digest, Uint8Array>();
    for await (const frame of source.fetchFrames(batch, { signal })) for (const { digest, bytes } of decodeFrame(frame, { only: wanted })) chunks.set(digest, bytes);
    return batch.map((digest) => {
      const bytes = chunks.get(digest);
      if (bytes === undefined) throw lacking(layer, digest);
      return { digest, bytes, kind: 'chunk' };
    });
  });
  for await (const chunks of fetchBatch(batches(manifest.chunks(), held))) yield* chunks;
}

async function* batches(chunks: AsyncIterable<ManifestChunk>, held: Held): AsyncGenerator<Digest[], void, undefined> {
  let batch: Digest[] = [];
  let batchBytes = 0;
  for await (const { digest, bytes } of chunks) {
    if (held.hasChunk(digest)) continue;
    batch.push(digest);
    batchBytes += bytes;
    if (batchBytes < EXPORT_BATCH_BYTES && batch.length < REQUEST_DIGESTS_MAX) continue;
    yield batch;
    batch = [];
    batchBytes = 0;
  }
  if (batch.length > 0) yield batch;
}

async function* counted(blocks: AsyncIterable<CarBlock>, counts: Counts, onBlock: () => void): AsyncGenerator<CarBlock, void, undefined> {
  for await (const block of blocks) {
    yield block;
    counts[block.kind === 'chunk' ? 'chunkCount' : 'nodeCount'] += 1;
    counts[block.kind === 'chunk' ? 'chunkBytes' : 'nodeBytes'] += block.bytes.byteLength;
    onBlock();
  }
}

async function writeOut(car: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<number> {
  let bytes = 0;
  async function* counting(): AsyncGenerator<Uint8Array, void, undefined> {
    for await (const piece of car) {
      bytes += piece.byteLength;
      yield piece;
    }
  }
  await pipeline(Readable.from(counting(), { objectMode: false }), process.stdout, { signal, end: false });
  return bytes;
}

function recordOf({ name, version, descriptor }: PublishedLayer, bases: readonly PublishedLayer[]): Uint8Array {
  return encodeExportRecord({ name, version, descriptor, bases: bases.map((base) => ({ name: base.name, version: base.version, root: base.root })) });
}

function lacking({ name, version }: PublishedLayer, digest: Digest): BranchcastError {
  return new BranchcastError('BC_CHUNK_NOT_FOUND', `the core lacks block ${digest} of ${name}@${version}: publish it again`, { details: { digest } });
}

function outcome({ layer, bases, counts, fileBytes }: Exported, file: string): Outcome {
  const name = `${layer.name}@${layer.version}`;
  const missingFrom = bases.map((base) => `${base.name}@${base.version}`);
  const text = facts([
    ['layer', name],
    ['root', formatRoot(layer.root)],
    ...(missingFrom.length === 0 ? [] : [['less what is in', missingFrom.join(', ')] as const]),
    ['manifest', `${counts.nodeCount} blocks, ${formatBytes(counts.nodeBytes)}`],
    ['chunks', `${counts.chunkCount}, ${formatBytes(counts.chunkBytes)}`],
    ['file', `${file === '-' ? 'stdout' : file}, ${formatBytes(fileBytes)}`],
  ]);
  return { json: { layer: name, root: formatRoot(layer.root), descriptor: formatRoot(layer.descriptor), missingFrom, ...counts, file, fileBytes }, text };
}
