/**
 * An exported layer as it is read: a CAR in which every block is named by one before it, so that a file can put nothing into a store
 * that does not belong to its layer. docs/formats.md, "Exported layer".
 */
import { asBranchcastError, hasCode } from '../base/errors.ts';
import { LAYER_CAR_BYTES_MAX, MANIFEST_CHUNKS_MAX } from '../base/limits/manifests.ts';
import { DAG_CBOR_CODE, digestFromCid, type Digest } from '../chunking/digest.ts';
import { openCar, type CarBlock } from '../manifest/car.ts';
import { ChunkLengths } from '../manifest/chunk-lengths.ts';
import { decodeDescriptor, type LayerDescriptor } from '../manifest/descriptor.ts';
import { chunksOf, decodeNode, linksOf } from '../manifest/node.ts';
import { decodeExportRecord, malformedExport, type ExportRecord } from './export-record.ts';
import type { UploadBlock } from './layer-uploader.ts';

export interface LayerCar {
  readonly record: ExportRecord;
  readonly descriptor: LayerDescriptor;
  /** The descriptor's block and all that follow, each verified; to be read once. */
  readonly blocks: AsyncGenerator<UploadBlock, void, undefined>;
}

/**
 * Reads as far as the descriptor. It and its blocks throw BC_EXPORT_MALFORMED, BC_CHUNK_CORRUPT, BC_DESCRIPTOR_MALFORMED,
 * BC_MANIFEST_MALFORMED, BC_MANIFEST_UNSAFE, BC_FORMAT_VERSION. That blocks are missing is for the core to see: it may have them.
 */
export async function readLayerCar(stream: AsyncIterable<Uint8Array>): Promise<LayerCar> {
  try {
    const { roots, blocks } = await openCar(stream, { totalBytesMax: LAYER_CAR_BYTES_MAX });
    const [descriptorRoot, recordRoot, ...others] = roots.map((root) => digestFromCid(root, DAG_CBOR_CODE));
    if (descriptorRoot === undefined || recordRoot === undefined || others.length > 0) throw malformedExport('its roots are not a descriptor and a record; this is another CAR');
    const recordBlock = await expectBlock(blocks, recordRoot, 'record');
    const record = decodeExportRecord(recordBlock.bytes);
    if (record.descriptor !== descriptorRoot) throw malformedExport('its record names another descriptor than its root');
    const descriptorBlock = await expectBlock(blocks, descriptorRoot, 'descriptor');
    const descriptor = decodeDescriptor(descriptorBlock.bytes);
    return { record, descriptor, blocks: namedBlocks(descriptorBlock, descriptor.tree, blocks) };
  } catch (thrown) {
    throw asExportError(thrown);
  }
}

async function expectBlock(blocks: AsyncGenerator<CarBlock, void, undefined>, digest: Digest, what: string): Promise<CarBlock> {
  const { value } = await blocks.next();
  if (value?.digest !== digest || value.kind !== 'node') throw malformedExport(`its ${what} is not where it belongs`);
  return value;
}

async function* namedBlocks(descriptor: CarBlock, tree: Digest, blocks: AsyncIterable<CarBlock>): AsyncGenerator<UploadBlock, void, undefined> {
  const nodes = new Set<Digest>([tree]);
  const chunks = new ChunkLengths(MANIFEST_CHUNKS_MAX);
  let chunkCount = 0;
  yield descriptor;
  try {
    for await (const block of blocks) {
      const { digest, bytes, kind } = block;
      if (kind === 'node') {
        if (!nodes.delete(digest)) throw malformedExport(`nothing before the node ${digest} names it, or it comes twice`);
        const node = decodeNode(bytes, digest);
        for (const link of linksOf(node)) nodes.add(link);
        const table = chunksOf(node);
        for (const index of table?.indices() ?? []) table?.note(index, chunks);
      } else {
        chunkCount += 1;
        if (chunks.lengthOf(digest) !== bytes.byteLength || chunkCount > chunks.count) throw malformedExport(`nothing before the chunk ${digest} names it with ${bytes.byteLength} bytes, or chunks come twice`);
      }
      yield block;
    }
  } catch (thrown) {
    throw asExportError(thrown);
  }
}

/** A stream that is no CAR is, here, a file that is none. */
function asExportError(thrown: unknown): unknown {
  const error = asBranchcastError(thrown);
  return hasCode(error, 'BC_PROTOCOL') ? malformedExport(error.message, error) : error;
}
