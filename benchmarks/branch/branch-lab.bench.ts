/**
 * A whole branch behind a thin line. Needs root, iproute2 and ethtool. With other trees, rates and numbers of endpoints it runs by itself:
 *
 *   node benchmarks/branch/branch-lab.bench.ts [--tree DIR] [--endpoints N] [--rate 50mbit]
 *
 * DIR defaults to this project's node_modules. Prints a JSON document; exit 1 if a tree differs from the source.
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { Benchmark, Sample, Size } from '../runner/benchmark.ts';
import { runLab, type LabReport } from './lab-run.ts';

const ENDPOINTS: Readonly<Record<Size, number>> = { small: 2, full: 10 };
const RATE = '50mbit';
const ROW = 'branchcast';

export const benchmark: Benchmark = {
  name: 'branch-lab',
  question: 'What does one transfer over a WAN of 50 Mbit/s cost a branch of ten endpoints, in bytes on the WAN interface with all headers, and when does the last endpoint have the layer?',
  diskBytes: 20e9,
  bounds: [
    { what: 'WAN bytes, of the layer as stored', value: { row: ROW, metric: 'wanDownBytes' }, atMost: [{ times: 1.06, row: ROW, metric: 'storedBytes' }] },
    { what: 'the last endpoint, of the time that the WAN alone needs', value: { row: ROW, metric: 'lastSeconds' }, atMost: [{ times: 1.25, row: ROW, metric: 'floorSeconds' }] },
  ],
  async run({ size, dir, corpora, table }) {
    const { v1 } = corpora.versions('app');
    await table(`${ENDPOINTS[size]} endpoints behind ${RATE}`, [{
      name: ROW,
      run: async (round) => {
        const place = join(dir, `round-${round}`);
        mkdirSync(place);
        return sampleOf(await runLab({ tree: v1, endpoints: ENDPOINTS[size], rate: RATE, dir: place }));
      },
    }], { ratioOf: 'lastSeconds' });
  },
};

function sampleOf({ cpuSeconds, peakRssBytes, differenceCount, ...figures }: LabReport): Sample {
  if (differenceCount > 0) throw new Error(`${differenceCount} differences between the source and what endpoints have`);
  return { ...figures, reflectorCpuSeconds: cpuSeconds.reflector, agentCpuSeconds: cpuSeconds.agentMean, coreRssBytes: peakRssBytes.core, reflectorRssBytes: peakRssBytes.reflector, agentRssBytes: peakRssBytes.agent };
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: {
      tree: { type: 'string', default: join(import.meta.dirname, '..', '..', 'node_modules') },
      endpoints: { type: 'string', default: '10' },
      rate: { type: 'string', default: RATE },
    },
  });
  const dir = mkdtempSync(join(tmpdir(), 'branch-lab-'));
  try {
    const report = await runLab({ tree: values.tree, endpoints: Number(values.endpoints), rate: values.rate, dir });
    process.stdout.write(`${JSON.stringify({ endpoints: Number(values.endpoints), rate: values.rate, ...report, wanRatio: report.wanDownBytes / report.storedBytes, timeRatio: report.lastSeconds / report.floorSeconds }, undefined, 2)}\n`);
    process.exitCode = report.differenceCount === 0 ? 0 : 1;
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}
