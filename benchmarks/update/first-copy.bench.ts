/** First copies: bytes on the wire of a layer of which the site has nothing, manifest included. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { casync, countedBytes } from '../peers/backup-store.ts';
import { storedBytes } from '../peers/stored-bytes.ts';
import { CoreUnderTest } from '../publish/core-under-test.ts';
import type { BenchContext, Benchmark, Contender, Sample } from '../runner/benchmark.ts';
import { ProcessUsage } from '../runner/usage.ts';
import { wireBound } from './wire-bound.ts';

const CORPORA = ['app', 'small', 'branch'] as const;
type Corpus = (typeof CORPORA)[number];

const ZSTD_3 = 'tar | zstd -3';
const ZSTD_12 = 'tar | zstd -12';
const CASYNC_STORE = "casync's store";
/** The product's best way; bounds are about it. */
const BEST = 'branchcast, repacked';
const PUBLISHED = 'branchcast, frames as published';

export const benchmark: Benchmark = {
  name: 'first-copy',
  question: 'How many bytes bring a layer to a site that has nothing of it, manifest included, and what does it cost to make them?',
  diskBytes: 10e9,
  bounds: [wireBound('app', BEST, 0.92, ZSTD_3), wireBound('small', BEST, 0.65, CASYNC_STORE), wireBound('branch', BEST, 1, ZSTD_12)],
  async run(context) {
    // Generated trees of each kind would tell nothing new.
    for (const corpus of context.size === 'small' ? (['branch'] as const) : CORPORA) {
      const { v1 } = context.corpora.versions(corpus);
      await context.table(corpus, [...productRows(context, corpus, v1), zstdRow(context, corpus, v1, ZSTD_3, '-3'), zstdRow(context, corpus, v1, ZSTD_12, '-12'), casyncRow(context, corpus, v1)], { ratioOf: 'wireBytes' });
    }
  },
};

/** One row for each form in which a core can hold a layer ready. */
function productRows(context: BenchContext, corpus: Corpus, tree: string): Contender[] {
  return [
    {
      name: PUBLISHED,
      run: (round) => CoreUnderTest.during(context, place(context, corpus, 'core', round), async (core): Promise<Sample> => {
        const { sample, published } = await core.publish(tree, '1');
        return { ...sample, wireBytes: published.storedBytes };
      }),
    },
    {
      name: BEST,
      run: (round) => CoreUnderTest.during(context, place(context, corpus, 'repacked', round), async (core): Promise<Sample> => {
        const { published } = await core.publish(tree, '1');
        const usage = new ProcessUsage(core.pid);
        const { sample } = await core.command('core', 'repack', '--core', core.url);
        const { cpuSeconds = Number.NaN, peakRssBytes = Number.NaN } = usage.sample();
        const shown = JSON.parse((await core.command('layer', 'show', 'bench/tree', '--core', core.url)).stdout) as { readonly repacked: { readonly beforeBytes: number; readonly afterBytes: number } };
        // Nodes stay as they were published.
        const wireBytes = published.storedBytes - shown.repacked.beforeBytes + shown.repacked.afterBytes;
        return { wallSeconds: sample['wallSeconds'] ?? Number.NaN, cpuSeconds, peakRssBytes, wireBytes };
      }),
    },
  ];
}

function zstdRow(context: BenchContext, corpus: Corpus, tree: string, name: string, level: string): Contender {
  return {
    name,
    role: 'peer',
    needs: 'zstd',
    run: async (round) => {
      const file = join(place(context, corpus, `zstd${level}`, round), 'tree.tar.zst');
      const { sample } = await context.child('sh', ['-c', 'tar --create --sort=name --directory "$1" . | zstd "$2" -T2 -q -o "$3"', 'sh', tree, level, file]);
      return { ...sample, wireBytes: storedBytes(file) };
    },
  };
}

function casyncRow(context: BenchContext, corpus: Corpus, tree: string): Contender {
  return {
    name: CASYNC_STORE,
    role: 'peer',
    needs: 'casync',
    run: async (round) => {
      const dir = place(context, corpus, 'casync', round);
      await casync().init(context, dir);
      const { sample } = await casync().add(context, dir, tree, '1');
      return { ...sample, wireBytes: countedBytes(casync(), dir) };
    },
  };
}

function place({ dir }: BenchContext, corpus: Corpus, what: string, round: number): string {
  const made = join(dir, `${corpus}-${what}-${round}`);
  mkdirSync(made);
  return made;
}
