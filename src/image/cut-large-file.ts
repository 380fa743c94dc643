/** A large file as chunks. */
import { cutFile } from '../chunking/cut-file.ts';
import type { CutKernel } from '../chunking/cut-kernel.ts';
import type { Digest } from '../chunking/digest.ts';
import { hash } from '../chunking/hash.ts';
import type { Piece } from '../manifest/entry.ts';
import type { ChunkTally } from './chunk-tally.ts';
import type { StableFile } from './read-file.ts';
import { capturedChunk, type CapturedBlock } from './captured-block.ts';

/**
 * Yields the chunks that the tally has not counted, and undefined for each that it has; answers all of them in order. Chunks
 * are counted once the whole file has been read unchanged: those of a failed attempt are not the layer's.
 */
export function* cutLargeFile(kernel: CutKernel, file: StableFile, tally: ChunkTally): Generator<CapturedBlock | undefined, readonly Piece[], undefined> {
  const pieces: Piece[] = [];
  const yielded = new Set<Digest>();
  for (const view of cutFile(kernel, (into) => file.read(into))) {
    const digest = hash(view);
    pieces.push({ digest, chunkBytes: view.byteLength, offsetBytes: 0, lengthBytes: view.byteLength });
    if (tally.has(digest) || yielded.has(digest)) {
      yield undefined;
    } else {
      yielded.add(digest);
      yield capturedChunk(digest, view);
    }
  }
  file.finish();
  for (const { digest, chunkBytes } of pieces) tally.count(digest, chunkBytes);
  return pieces;
}
