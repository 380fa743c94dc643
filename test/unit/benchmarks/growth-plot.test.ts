/** The plot is drawn from a result alone, and has a point for every size. */
import t from 'tap';
import { FACTORS, GROWTH_TABLE, growthRow } from '../../../benchmarks/growth/growth-names.ts';
import type { Result } from '../../../benchmarks/runner/result.ts';
import { growthPlot } from '../../../scripts/docs/growth-plot.ts';

const machine = { cpu: '', cores: 2, memoryBytes: 1, kernel: '', node: '', blake3: '', peers: {} };
const result = (whats: readonly string[]): Result => ({
  format: 1, name: 'growth', question: '', size: 'full', commit: '', dirty: false, startedAt: '', seconds: 1, loadBefore: 0, loadAfter: 0, machine, verdicts: [],
  tables: [{
    title: GROWTH_TABLE, ratioOf: 'wallSeconds',
    rows: whats.flatMap((what) => FACTORS.map((factor) => ({ name: growthRow(what, factor), role: 'product' as const, samples: [{ wallSeconds: factor, cpuSeconds: factor, logicalBytes: factor * 1e6 }] }))),
  }],
});

t.test('a point for every size, a guide for every series', async (t) => {
  const svg = growthPlot(result(['publish', 'pull', 'diff']));
  t.equal(svg.match(/<circle/g)?.length, 9);
  t.equal(svg.match(/<path/g)?.length, 3);
  t.equal(svg.match(/stroke-dasharray/g)?.length, 3);
  t.notMatch(svg, /NaN|Infinity|undefined/);
  t.equal(growthPlot(result(['publish'])).match(/<circle/g)?.length, 3, 'a series without figures is left out');
});

t.test('nothing to draw is an error', async (t) => {
  t.throws(() => growthPlot(result([])), /no points/);
});
