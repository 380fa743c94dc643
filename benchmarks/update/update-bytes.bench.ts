/** The smallest update: bytes on the wire from v1 to v2, manifest included. */
import { join } from 'node:path';
import type { Versions } from '../corpora/corpora.ts';
import { CoreUnderTest } from '../publish/core-under-test.ts';
import { RSS_BYTES_MAX } from '../publish/publish-bounds.ts';
import type { BenchContext, Benchmark, Contender, Sample } from '../runner/benchmark.ts';
import { ProcessUsage } from '../runner/usage.ts';
import { deltaRows, OSTREE, XDELTA3, ZSTD_PATCH } from './delta-peers.ts';
import { tarBoth } from './tarballs.ts';
import { wireBound } from './wire-bound.ts';

const CORPORA = ['light', 'app', 'base', 'image'] as const;
type Corpus = (typeof CORPORA)[number];

/** The product's best way; bounds are about it. Its cost is the core's, which makes the deltas; that of the endpoint stands beside it. */
const BEST = 'branchcast, deltas';
/** The same when the core has had its quiet minute, as it is set up by default. */
const REPACKED = 'branchcast, deltas, v2 repacked';
const CHUNKS = 'branchcast, chunks alone';
const MAKE_CPU_SECONDS_MAX = 10;

export const benchmark: Benchmark = {
  name: 'update-bytes',
  question: 'How many bytes bring a holder of v1 to v2, manifest included, and what does it cost to make them? `light` is app with two packages updated.',
  diskBytes: 40e9,
  bounds: [
    wireBound('light', BEST, 0.7, OSTREE), wireBound('app', BEST, 0.7, XDELTA3), wireBound('base', REPACKED, 1, ZSTD_PATCH), wireBound('image', BEST, 1, ZSTD_PATCH),
    { what: 'app: CPU of making the deltas', value: { table: 'app', row: BEST, metric: 'cpuSeconds' }, atMost: [MAKE_CPU_SECONDS_MAX] },
    ...CORPORA.map((table) => ({ what: `${table}: memory of the core`, value: { table, row: BEST, metric: 'peakRssBytes' }, atMost: [RSS_BYTES_MAX] })),
  ],
  async run(context) {
    // Generated trees of each kind would tell nothing new.
    for (const corpus of context.size === 'small' ? (['light'] as const) : CORPORA) {
      const trees = versionsOf(context, corpus);
      if (trees === undefined) continue;
      const tars = await tarBoth(context, trees, corpus);
      await context.table(corpus, [...productRows(context, corpus, trees), ...deltaRows(context, corpus, trees, tars, corpus === 'light')], { ratioOf: 'wireBytes' });
    }
  },
};

/** base and image need root to be built: without them the others are still worth asking about. */
function versionsOf({ corpora, say }: BenchContext, corpus: Corpus): Versions | undefined {
  if (corpus === 'light') return corpora.light();
  if (corpus === 'app') return corpora.versions('app');
  try {
    return corpora.versions(corpus);
  } catch (error) {
    say(`${corpus} is left out: ${(error as Error).message}`);
    return undefined;
  }
}

/** One row for each way in which a site can be brought to v2. */
function productRows(context: BenchContext, corpus: Corpus, { v1, v2 }: Versions): Contender[] {
  const update = (name: string, prepare: (core: CoreUnderTest) => Promise<unknown>): Contender => ({
    name,
    run: (round) => {
      const dir = join(context.dir, `${corpus}-${name.replaceAll(/\W+/g, '-')}-${round}`);
      return CoreUnderTest.during(context, dir, async (core): Promise<Sample> => {
        for (const [version, tree] of [['1', v1], ['2', v2]] as const) await core.publish(tree, version);
        const target = join(dir, 'endpoint');
        await core.command('layer', 'pull', 'bench/tree@1', target, '--core', core.url);
        await prepare(core);
        const sentBefore = await core.sentBytes();
        const usage = new ProcessUsage(core.pid);
        const { sample: endpoint } = await core.command('layer', 'pull', 'bench/tree@2', target, '--core', core.url);
        return { ...endpoint, ...usage.sample(), endpointCpuSeconds: endpoint['cpuSeconds'] ?? Number.NaN, endpointPeakRssBytes: endpoint['peakRssBytes'] ?? Number.NaN, wireBytes: (await core.sentBytes()) - sentBefore };
      });
    },
  });
  return [
    update(BEST, () => Promise.resolve()),
    // New content in whole frames is most of an update of base; repacking the others takes minutes and changes little.
    ...(corpus === 'base' ? [update(REPACKED, (core) => core.command('core', 'repack', 'bench/tree@2', '--core', core.url))] : []),
    {
      name: CHUNKS,
      run: (round) => CoreUnderTest.during(context, join(context.dir, `${corpus}-core-${round}`), async (core): Promise<Sample> => {
        await core.publish(v1, '1');
        const { sample, published } = await core.publish(v2, '2');
        // Frames as stored, of chunks and of manifest nodes: what a reflector that has v1 fetches.
        return { ...sample, wireBytes: published.newStoredBytes };
      }),
    },
  ];
}
