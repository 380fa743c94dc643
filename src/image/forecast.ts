/** What it will take to bring a tree from one manifest to another: the decisions of stage-builder.ts, from the manifests alone. */
import type { Digest } from '../chunking/digest.ts';
import { contentName } from '../manifest/content-name.ts';
import { diffRuns } from '../manifest/diff.ts';
import type { Manifest } from '../manifest/read.ts';
import { ChangeTally, type ChangeCounts } from './change-counts.ts';
import type { Pace } from './pace.ts';

export interface Forecast {
  /** Of the entries of the directory. */
  readonly changes: ChangeCounts;
  /** Files that are written anew, or compared with the old one of their name when their bytes are there; empty ones are not counted. */
  readonly fileCount: number;
  readonly fileBytes: number;
  /** Files that are moved by giving them another name: nothing of them is written. */
  readonly movedCount: number;
  /** Room that the new files take, in whole blocks, while the old tree still stands. */
  readonly roomBytes: number;
  /** Chunks of the new files with their lengths, each once, in the order in which a pull wants them. */
  readonly chunks: ReadonlyMap<Digest, number>;
}

/** `before`: what the directory holds, unchanged by others; undefined if it is empty. */
export async function forecastApply(after: Manifest, before: Manifest | undefined, blockBytes: number, pace: Pace): Promise<Forecast> {
  const leaving = new Set<string>();
  if (before !== undefined) {
    for await (const run of diffRuns(before, after)) {
      if (pace.due) await pace.turn();
      for (const { before: old, contentChanged } of run) if (contentChanged && old?.type === 'file') leaving.add(contentName(old));
    }
  }
  const chunks = new Map<Digest, number>();
  const tally = new ChangeTally();
  const sums = { fileCount: 0, fileBytes: 0, movedCount: 0, roomBytes: 0 };
  for await (const run of diffRuns(before, after)) {
    if (pace.due) await pace.turn();
    for (const change of run) {
      tally.add(change);
      const { after: file, contentChanged } = change;
      if (!contentChanged || file?.type !== 'file' || file.sizeBytes === 0) continue;
      if (leaving.delete(contentName(file))) {
        sums.movedCount += 1;
        continue;
      }
      sums.fileCount += 1;
      sums.fileBytes += file.sizeBytes;
      sums.roomBytes += Math.ceil(file.sizeBytes / blockBytes) * blockBytes;
      // Few have a list of chunks that must be read.
      if ('pieces' in file.content) for (const { digest, chunkBytes } of file.content.pieces) chunks.set(digest, chunkBytes);
      else for await (const { digest, chunkBytes } of after.pieces(file)) chunks.set(digest, chunkBytes);
    }
  }
  return { changes: tally.counts, ...sums, chunks };
}
