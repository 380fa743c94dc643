/** Listing what changed between two real trees, beside tools that keep trees by content too. */
import { join } from 'node:path';
import type { Digest } from '../../src/chunking/digest.ts';
import type { Versions } from '../corpora/corpora.ts';
import { restic, resticEnv } from '../peers/backup-store.ts';
import { emptyStore } from '../peers/empty-store.ts';
import type { BenchContext, Benchmark, Contender, Sample } from '../runner/benchmark.ts';
import { captureNodes } from './capture-nodes.ts';
import { coldDiff, writeNodes } from './cold-diff.ts';
import { timedDiff } from './timed-diff.ts';

const ROUNDS = 5;
const WARM = 'branchcast, in process';
const GIT = 'git diff-tree -r --name-status';
const RESTIC = 'restic diff';

export const benchmark: Benchmark = {
  name: 'diff-small',
  question: 'How long does it take to list everything that changed between two versions of small, a tree of 74,000 small files?',
  diskBytes: 4e9,
  bounds: [
    { what: 'diff of small v1 and v2 in full: 1 x git diff-tree', value: { row: WARM, metric: 'wallSeconds' }, atMost: [{ times: 1, row: GIT, metric: 'wallSeconds' }] },
    { what: 'diff of small v1 and v2 in full: 0.1 x restic diff', value: { row: WARM, metric: 'wallSeconds' }, atMost: [{ times: 0.1, row: RESTIC, metric: 'wallSeconds' }] },
  ],
  async run(context) {
    const trees = context.corpora.versions('small');
    const blocks = new Map<Digest, Uint8Array>();
    const [before, after] = [(await captureNodes(trees.v1, blocks)).root, (await captureNodes(trees.v2, blocks)).root];
    const nodesDir = join(context.dir, 'nodes');
    writeNodes(nodesDir, { before, after, blocks });
    await context.table('small v1 and v2', [
      { name: WARM, run: () => context.measure(async () => ({ ...await timedDiff(before, after, async (digest) => blocks.get(digest)) })) },
      { name: 'branchcast, a new process', run: () => wholeProcess(context, nodesDir) },
      gitRow(context, trees),
      resticRow(context, trees),
    ], { rounds: ROUNDS, warmUps: 1 });
  },
};

/** Wall time of the whole process: git's and restic's are started, too. */
async function wholeProcess(context: BenchContext, nodesDir: string): Promise<Sample> {
  const { diff, sample } = await coldDiff(context, nodesDir);
  return { ...diff, ...sample };
}

function gitRow({ child, dir }: BenchContext, { v1, v2 }: Versions): Contender {
  const repository = join(dir, 'git');
  const ids: string[] = [];
  const git = (tree: string, ...args: string[]): ReturnType<BenchContext['child']> => child('git', ['-c', 'core.autocrlf=false', '-c', 'gc.auto=0', `--git-dir=${repository}`, `--work-tree=${tree}`, ...args], { cwd: tree });
  return {
    name: GIT,
    role: 'peer',
    needs: 'git',
    prepare: async () => {
      if (ids.length > 0) return;
      await child('git', ['init', '--quiet', '--bare', repository]);
      for (const tree of [v1, v2]) {
        await git(tree, 'add', '--all', '--force', '.');
        ids.push((await git(tree, 'write-tree')).stdout.trim());
      }
      // As it would lie in a repository that is looked after.
      await child('git', ['--git-dir', repository, 'repack', '-q', '-a', '-d', '-k']);
    },
    run: async () => {
      const { sample, stdout } = await git(v1, 'diff-tree', '-r', '--name-status', ...ids);
      return { ...sample, changeCount: stdout.trim().split('\n').length };
    },
  };
}

function resticRow(context: BenchContext, { v1, v2 }: Versions): Contender {
  const place = join(context.dir, 'restic');
  const store = restic();
  const ids: string[] = [];
  const run = (...args: string[]): ReturnType<BenchContext['child']> => context.child('restic', ['--repo', join(place, 'repo'), ...args], { env: resticEnv(place) });
  return {
    name: RESTIC,
    role: 'peer',
    needs: store.tool,
    prepare: async () => {
      if (ids.length > 0) return;
      await emptyStore(context, store, place);
      await store.add(context, place, v1, '1');
      await store.add(context, place, v2, '2');
      const snapshots = JSON.parse((await run('--json', 'snapshots')).stdout) as { short_id: string; tags: string[] }[];
      ids.push(...snapshots.toSorted((a, b) => Number(a.tags[0]) - Number(b.tags[0])).map(({ short_id }) => short_id));
    },
    run: async () => {
      const { sample, stdout } = await run('diff', ...ids);
      return { ...sample, changeCount: stdout.split('\n').filter((line) => /^[-+M] /.test(line)).length };
    },
  };
}
