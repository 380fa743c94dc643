/** The first diff of a new process: nodes are written for it, and it is started. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { BenchContext, Sample } from '../runner/benchmark.ts';
import type { ManifestPair } from './synthetic-manifests.ts';
import type { TimedDiff } from './timed-diff.ts';

/** Where each node stands in the file `nodes`. */
export interface NodeIndex {
  readonly before: string;
  readonly after: string;
  readonly nodes: readonly (readonly [digest: string, offsetBytes: number, lengthBytes: number])[];
}

/** Makes `dir` with what cold-diff.child.ts reads. */
export function writeNodes(dir: string, { before, after, blocks }: Omit<ManifestPair, 'depth'>): void {
  let offset = 0;
  const nodes = [...blocks].map(([digest, bytes]) => [digest, (offset += bytes.length) - bytes.length, bytes.length] as const);
  mkdirSync(dir);
  writeFileSync(join(dir, 'nodes'), Buffer.concat([...blocks.values()]));
  writeFileSync(join(dir, 'index.json'), JSON.stringify({ before, after, nodes } satisfies NodeIndex));
}

/** The diff as the process itself timed it, and the sample of the whole process. */
export async function coldDiff({ child }: BenchContext, dir: string): Promise<{ readonly diff: TimedDiff; readonly sample: Sample }> {
  const { sample, stdout } = await child(process.execPath, [join(import.meta.dirname, 'cold-diff.child.ts'), dir]);
  return { diff: JSON.parse(stdout) as TimedDiff, sample };
}
