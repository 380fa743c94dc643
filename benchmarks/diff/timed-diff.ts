/** One diff of two manifests, counted and timed. */
import type { Digest } from '../../src/chunking/digest.ts';
import { diffRuns } from '../../src/manifest/diff.ts';
import { Manifest, type ReadBlock } from '../../src/manifest/read.ts';

export interface TimedDiff {
  readonly wallSeconds: number;
  readonly nodeCount: number;
  readonly changeCount: number;
}

export async function timedDiff(before: Digest, after: Digest, read: ReadBlock): Promise<TimedDiff> {
  let [nodeCount, changeCount] = [0, 0];
  const counting: ReadBlock = (digest) => {
    nodeCount += 1;
    return read(digest);
  };
  const startedMs = performance.now();
  for await (const run of diffRuns(new Manifest(before, counting), new Manifest(after, counting))) changeCount += run.length;
  return { wallSeconds: (performance.now() - startedMs) / 1000, nodeCount, changeCount };
}
