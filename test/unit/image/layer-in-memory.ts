/** Layers kept in memory: captured from a directory, and applied to a target by the same steps as an agent takes. */
import { UPDATE_NODES_KEPT_BYTES_MAX } from '../../../src/base/limits/manifests.ts';
import { captureTree, type Capture } from '../../../src/image/capture.ts';
import type { CaptureMemory } from '../../../src/image/tree-capture.ts';
import type { ChunkerParams } from '../../../src/chunking/params.ts';
import type { Digest } from '../../../src/chunking/digest.ts';
import { NodeReader } from '../../../src/manifest/node-reader.ts';
import { Manifest } from '../../../src/manifest/read.ts';
import type { VerifiedChunk, WantedChunk } from '../../../src/image/staging.ts';
import { openTarget, type TargetOptions } from '../../../src/image/target.ts';

export interface MemoryLayer extends Capture {
  readonly chunks: ReadonlyMap<Digest, Uint8Array>;
  readonly nodes: ReadonlyMap<Digest, Uint8Array>;
  readonly manifest: Manifest;
}

/** Small parameters, so that small trees have several chunks and bundles. */
export const SMALL_PARAMS: ChunkerParams = { algorithm: 'gear64-1', minBytes: 256, avgBytes: 1024, maxBytes: 4096, smallFileBytesMax: 512 };

export async function capture(dir: string, params: ChunkerParams = SMALL_PARAMS, memory: CaptureMemory = {}): Promise<MemoryLayer> {
  const chunks = new Map<Digest, Uint8Array>();
  const nodes = new Map<Digest, Uint8Array>();
  const blocks = captureTree(dir, { params, memory });
  for (;;) {
    const step = await blocks.next();
    if (step.done === true) return { ...step.value, chunks, nodes, manifest: manifestOf(step.value.root, nodes) };
    (step.value.kind === 'chunk' ? chunks : nodes).set(step.value.digest, step.value.bytes);
  }
}

export function manifestOf(root: Digest, nodes: ReadonlyMap<Digest, Uint8Array>): Manifest {
  return new Manifest(root, (digest) => Promise.resolve(nodes.get(digest)));
}

/** About as many as a frame holds. */
const CHUNKS_TOGETHER = 16;

export interface Applied {
  readonly changed: boolean;
  readonly seededBytes: number;
  /** Bytes of the chunks that the target could not supply. */
  readonly fetchedBytes: number;
}

export interface ApplyOptions extends TargetOptions {
  /** The layer is in force; what is left is to clean up. */
  readonly onInForce?: () => void;
}

export async function apply(dir: string, layer: MemoryLayer, before?: MemoryLayer, options: ApplyOptions = {}): Promise<Applied> {
  const target = await openTarget(dir, options);
  try {
    // As in a pull, with what is kept of the nodes for both.
    const reader = new NodeReader((digest) => Promise.resolve(layer.nodes.get(digest) ?? before?.nodes.get(digest)), UPDATE_NODES_KEPT_BYTES_MAX);
    const staging = await target.stage(new Manifest(layer.root, reader), before && new Manifest(before.root, reader));
    if (staging === undefined) return { changed: false, seededBytes: 0, fetchedBytes: 0 };
    const seededBytes = await staging.seed();
    const wanted = staging.wanted();
    // As for an agent, the next ones come while some are written.
    let writing: Promise<void> = Promise.resolve();
    const memory = [Buffer.alloc(0), Buffer.alloc(0)];
    for (let start = 0; start < wanted.length; start += CHUNKS_TOGETHER) {
      memory.reverse();
      const chunks = inOneBuffer(wanted.slice(start, start + CHUNKS_TOGETHER), layer, memory);
      await writing;
      writing = staging.writeAll(chunks);
      writing.catch(() => undefined);
    }
    await writing;
    const fetchedBytes = wanted.reduce((sum, { chunkBytes }) => sum + chunkBytes, 0);
    await staging.switch({ layer: 'test/layer@1', descriptor: layer.root });
    options.onInForce?.();
    return { changed: true, seededBytes, fetchedBytes };
  } finally {
    await target.close();
  }
}

/** As they come out of a frame: one after the other in memory, so that neighbours in a file are written together. */
function inOneBuffer(wanted: readonly WantedChunk[], layer: MemoryLayer, memory: Buffer[]): VerifiedChunk[] {
  const chunks = wanted.map(({ digest }) => {
    const bytes = layer.chunks.get(digest);
    if (bytes === undefined) throw new Error(`the layer lacks its chunk ${digest}`);
    return { digest, bytes };
  });
  const totalBytes = chunks.reduce((sum, { bytes }) => sum + bytes.byteLength, 0);
  // What is being written meanwhile lies in the other one.
  const raw = (memory[0]?.byteLength ?? 0) < totalBytes ? (memory[0] = Buffer.allocUnsafeSlow(totalBytes)) : (memory[0] as Buffer);
  let offset = 0;
  return chunks.map(({ digest, bytes }) => {
    const at = raw.subarray(offset, (offset += bytes.byteLength));
    at.set(bytes);
    return { digest, bytes: at };
  });
}
