/** Versions of a small tree in a store: captured from a disk, with chunks so small that few bytes make many of them. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Digest } from '../../src/chunking/digest.ts';
import type { FrameSource } from '../../src/delta/located-chunks.ts';
import type { ChunkStore } from '../../src/store/chunk-store.ts';
import { FrameBuilder } from '../../src/store/frame-builder.ts';
import { capture, type MemoryLayer } from '../unit/image/layer-in-memory.ts';

export type Files = Readonly<Record<string, Uint8Array>>;

/** Writes the files below `dir`, which is not there yet, and puts what a capture of it yields into the store. */
export async function storeVersion(store: ChunkStore, dir: string, files: Files): Promise<MemoryLayer> {
  mkdirSync(dir, { recursive: true });
  for (const [name, bytes] of Object.entries(files)) {
    mkdirSync(dirname(join(dir, name)), { recursive: true });
    writeFileSync(join(dir, name), bytes);
  }
  const layer = await capture(dir);
  const frames = new FrameBuilder();
  for (const [digest, bytes] of [...layer.chunks, ...layer.nodes]) {
    if (store.has([digest])[0] === true) continue;
    const full = frames.add({ digest, bytes });
    if (full !== undefined) await store.put([full]);
  }
  const last = frames.finish();
  if (last !== undefined) await store.put([last]);
  return layer;
}

/** A store as a maker of deltas sees it: frames are copies. */
export function framesOf(store: Pick<ChunkStore, 'locate' | 'readFrame'>): FrameSource {
  return {
    locate: async (digests) => store.locate(digests),
    readFrame: (location) => store.readFrame(location).then((frame) => (frame === undefined ? undefined : Uint8Array.from(frame))),
  };
}

/** Bytes of old chunks, one after the other. */
export async function baseBytes(read: (digest: Digest) => Promise<Uint8Array | undefined>, base: readonly { readonly digest: Digest }[]): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for (const { digest } of base) {
    const bytes = await read(digest);
    if (bytes === undefined) throw new Error(`the old version lacks ${digest}`);
    parts.push(bytes);
  }
  return Buffer.concat(parts);
}
