/** Listing changes by structure alone: manifests of synthetic trees. */
import { decode } from '@ipld/dag-cbor';
import { join } from 'node:path';
import { missingBlocks } from '../../src/manifest/missing-blocks.ts';
import { decodeNode } from '../../src/manifest/node.ts';
import { Manifest, type ReadBlock } from '../../src/manifest/read.ts';
import type { BenchContext, Benchmark, Contender, Sample, Size } from '../runner/benchmark.ts';
import { coldDiff, writeNodes } from './cold-diff.ts';
import { manifestPair, type ManifestPair } from './synthetic-manifests.ts';
import { timedDiff, type TimedDiff } from './timed-diff.ts';

const ENTRIES: Readonly<Record<Size, number>> = { small: 32_000, full: 1_000_000 };
const CHANGES = 100;
const ROUNDS = 7;
const SHARES = [16, 4, 1];
const WARM = 'warm, all entries';
const DECODED_NODES_MAX = 2000;

export const benchmark: Benchmark = {
  name: 'diff',
  question: 'What does it cost to list what changed between two manifests of 1,000,000 entries with 100 changed files, and does it grow with the trees? Warm: node bytes in memory. Cold: the first diff of a new process, nodes in a file.',
  bounds: [
    { what: 'diff of 1,000,000 entries, 100 changes', value: { row: WARM, metric: 'wallSeconds' }, atMost: [0.05] },
    { what: 'nodes read, at most 4 x depth x changes', value: { row: WARM, metric: 'nodeCount' }, atMost: [{ times: 4, row: WARM, metric: 'depthTimesChangeCount' }] },
  ],
  async run(context) {
    const contenders: Contender[] = [];
    let largest: ManifestPair | undefined;
    for (const share of SHARES) {
      largest = manifestPair(Math.round(ENTRIES[context.size] / share), CHANGES);
      contenders.push(...diffRows(context, share === 1 ? 'all entries' : `1/${share} of the entries`, largest));
    }
    await context.table(`${CHANGES} changes`, contenders, { rounds: ROUNDS, warmUps: 1 });
    if (largest !== undefined) await context.table('a whole walk', walkRows(context, largest));
  },
};

function diffRows(context: BenchContext, label: string, pair: ManifestPair): Contender[] {
  const read: ReadBlock = async (digest) => pair.blocks.get(digest);
  const nodesDir = join(context.dir, `nodes ${label.replace('/', ' of ')}`);
  writeNodes(nodesDir, pair);
  const checked = ({ changeCount, ...rest }: TimedDiff): Sample => {
    if (changeCount !== CHANGES) throw new Error(`${changeCount} changes found instead of ${CHANGES}`);
    return { ...rest, depthTimesChangeCount: pair.depth * CHANGES };
  };
  return [
    { name: `warm, ${label}`, run: () => context.measure(async () => checked(await timedDiff(pair.before, pair.after, read))) },
    { name: `cold, ${label}`, run: async () => checked((await coldDiff(context, nodesDir)).diff) },
  ];
}

/** What one whole walk costs, and what our decoder is beside a general one. */
function walkRows({ measure }: BenchContext, { before, after, blocks }: ManifestPair): Contender[] {
  const read: ReadBlock = async (digest) => blocks.get(digest);
  const nodes = [...blocks].slice(0, DECODED_NODES_MAX);
  const counted = (walk: () => AsyncIterable<unknown>) => (): Promise<Sample> => measure(async () => {
    let resultCount = 0;
    for await (const _ of walk()) resultCount += 1;
    return { resultCount };
  });
  return [
    { name: 'entries()', run: counted(() => new Manifest(before, read).entries()) },
    { name: 'chunks(), each once', run: counted(() => new Manifest(before, read).chunks()) },
    { name: 'blocks(), checked', run: counted(() => new Manifest(before, read).blocks()) },
    { name: 'missingBlocks(), have before', run: counted(() => missingBlocks(new Manifest(after, read), [new Manifest(before, read)])) },
    { name: 'decode nodes, checked', run: () => measure(() => { for (const [digest, bytes] of nodes) decodeNode(bytes, digest); return { resultCount: nodes.length }; }) },
    { name: 'the same by @ipld/dag-cbor, unchecked', role: 'reference', run: () => measure(() => { for (const [, bytes] of nodes) decode(bytes); return { resultCount: nodes.length }; }) },
  ];
}
