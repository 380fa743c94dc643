/** The first diff of a new process, which reads nodes from a file: `node cold-diff.child.ts DIR`. Prints a TimedDiff as JSON. */
import { openSync, readFileSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { parseDigest, type Digest } from '../../src/chunking/digest.ts';
import type { ReadBlock } from '../../src/manifest/read.ts';
import type { NodeIndex } from './cold-diff.ts';
import { timedDiff } from './timed-diff.ts';

const dir = process.argv[2] ?? '';
const { before, after, nodes } = JSON.parse(readFileSync(join(dir, 'index.json'), 'utf8')) as NodeIndex;
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
