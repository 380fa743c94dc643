/** The first diff of a new process, which reads nodes from a file: `node cold-diff.child.ts DIR`. Prints a TimedDiff as JSON. */
import { openSync, readFileSync, readSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseDigest, type Digest } from '../../src/chunking/digest.ts';
import type { ReadBlock } from '../../src/manifest/read.ts';
import type { ManifestPair } from './synthetic-manifests.ts';
import { timedDiff } from './timed-diff.ts';

interface Index {
  readonly before: string;
  readonly after: string;
  readonly nodes: readonly (readonly [digest: string, offsetBytes: number, lengthBytes: number])[];
}

/** What this file reads when it runs. */
export function writeNodes(dir: string, { before, after, blocks }: Omit<ManifestPair, 'depth'>): void {
  let offset = 0;
  const nodes = [...blocks].map(([digest, bytes]) => [digest, (offset += bytes.length) - bytes.length, bytes.length] as const);
  writeFileSync(join(dir, 'nodes'), Buffer.concat([...blocks.values()]));
  writeFileSync(join(dir, 'index.json'), JSON.stringify({ before, after, nodes } satisfies Index));
}

if (import.meta.main) {
  const dir = process.argv[2] ?? '';
  const { before, after, nodes } = JSON.parse(readFileSync(join(dir, 'index.json'), 'utf8')) as Index;
  const places = new Map(nodes.map(([digest, offset, length]) => [digest, { offset, length }]));
  const file = openSync(join(dir, 'nodes'), 'r');
  const read: ReadBlock = async (digest) => {
    const place = places.get(digest);
    if (place === undefined) return undefined;
    const bytes = Buffer.allocUnsafe(place.length);
    readSync(file, bytes, 0, place.length, place.offset);
    return bytes;
  };
  process.stdout.write(JSON.stringify(await timedDiff(parseDigest(before) as Digest, parseDigest(after) as Digest, read)));
}
