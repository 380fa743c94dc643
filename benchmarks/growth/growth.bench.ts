/** Cost against size: nothing may grow faster than the data; a diff only with the changes. */
import { appendFileSync, statSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { KiB, MiB } from '../../src/base/units.ts';
import type { Digest } from '../../src/chunking/digest.ts';
import { generatedTree, modulePath, writeTree, type TreeShape } from '../corpora/generate.ts';
import { captureNodes } from '../diff/capture-nodes.ts';
import { timedDiff } from '../diff/timed-diff.ts';
import { CoreUnderTest } from '../publish/core-under-test.ts';
import type { BenchContext, Benchmark, Bound, Contender, Size } from '../runner/benchmark.ts';
import { ProcessUsage } from '../runner/usage.ts';
import { FACTORS, GROWTH_TABLE, growthRow } from './growth-names.ts';

/** Of 1 x. Other seeds for other sizes, so that no tree has chunks of another. */
const SHAPES: Readonly<Record<Size, TreeShape>> = {
  small: { smallFileCount: 30, smallFileBytesMax: 8 * KiB, largeFileCount: 1, largeFileBytes: MiB / 2 },
  full: { smallFileCount: 2500, smallFileBytesMax: 8 * KiB, largeFileCount: 10, largeFileBytes: 6 * MiB },
};
const CHANGED_FILES = 20;
/** What a factor of 4 in the data may cost, with room for noise. */
const STEP_MAX = 4 * 1.15;

const bounds = ['publish', 'pull'].map((what): Bound => ({
  what: `${what}, 16 x the data: ${STEP_MAX.toFixed(1)} x the cost of 4 x`,
  value: { row: growthRow(what, 16), metric: 'cpuSeconds' },
  atMost: [{ times: STEP_MAX, row: growthRow(what, 4), metric: 'cpuSeconds' }],
}));

export const benchmark: Benchmark = {
  name: 'growth',
  question: 'Do publish and pull cost in proportion to the data, and a diff in proportion to the changes, at 1, 4 and 16 times the data?',
  diskBytes: 25e9,
  bounds: [...bounds, { what: 'diff, 16 x the data with as many changes: 2 x the nodes read at 4 x', value: { row: growthRow('diff', 16), metric: 'nodeCount' }, atMost: [{ times: 2, row: growthRow('diff', 4), metric: 'nodeCount' }] }],
  async run(context) {
    let core: CoreUnderTest | undefined;
    const stop = async (): Promise<void> => {
      await core?.stop();
      core = undefined;
    };
    const newCore = async (round: number): Promise<void> => {
      await stop();
      core = await CoreUnderTest.start(context, join(context.dir, `core-${round}`));
    };
    try {
      const contenders: Contender[] = [];
      for (const factor of FACTORS) contenders.push(...await rowsOf(context, factor, () => core as CoreUnderTest, factor === FACTORS[0] ? newCore : undefined));
      await context.table(GROWTH_TABLE, contenders);
    } finally {
      await stop();
    }
  },
};

async function rowsOf(context: BenchContext, factor: number, core: () => CoreUnderTest, newCore: ((round: number) => Promise<void>) | undefined): Promise<Contender[]> {
  const shape = SHAPES[context.size];
  const tree = join(context.dir, `tree-${factor}`);
  writeTree(tree, generatedTree({ ...shape, smallFileCount: shape.smallFileCount * factor, largeFileCount: shape.largeFileCount * factor }, 100 + factor, 1));
  const blocks = new Map<Digest, Uint8Array>();
  const before = await captureNodes(tree, blocks);
  const edited = Array.from({ length: CHANGED_FILES }, (_, index) => changedFile(tree, shape.smallFileCount, index));
  for (const file of edited) appendFileSync(file, '// changed');
  const after = await captureNodes(tree, blocks);
  for (const file of edited) truncateSync(file, statSync(file).size - '// changed'.length);
  const size = { logicalBytes: before.stats.logicalBytes, fileCount: before.stats.fileCount };
  return [
    {
      name: growthRow('publish', factor),
      ...(newCore === undefined ? {} : { prepare: newCore }),
      run: async () => ({ ...(await core().publish(tree, String(factor))).sample, ...size }),
    },
    {
      name: growthRow('pull', factor),
      run: async (round) => {
        const usage = new ProcessUsage(core().pid);
        const { sample } = await core().command('layer', 'pull', `bench/tree@${factor}`, join(context.dir, `pulled-${factor}-${round}`), '--core', core().url);
        return { ...sample, cpuSeconds: (sample['cpuSeconds'] ?? Number.NaN) + (usage.sample()['cpuSeconds'] ?? Number.NaN), ...size };
      },
    },
    { name: growthRow('diff', factor), run: async () => ({ ...await timedDiff(before.root, after.root, async (digest) => blocks.get(digest)), ...size }) },
  ];
}

/** Small files all over the first `smallFileCount`, which every size has. */
function changedFile(tree: string, smallFileCount: number, index: number): string {
  return join(tree, modulePath(Math.floor((index * smallFileCount) / CHANGED_FILES)));
}
