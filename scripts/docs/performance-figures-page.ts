/** docs/performance-figures.md, from the reference results in benchmarks/results/. */
import { formatMetric, headingOf } from '../../benchmarks/runner/metric.ts';
import type { Result } from '../../benchmarks/runner/result.ts';
import { markdownRow, tableMarkdown } from '../../benchmarks/runner/table-text.ts';
import type { Verdict } from '../../benchmarks/runner/verdict.ts';

export function performanceFiguresPage(results: readonly Result[]): string {
  const verdicts = results.flatMap(({ name, verdicts }) => verdicts.map((verdict) => ({ name, verdict })));
  const met = verdicts.filter(({ verdict }) => verdict.verdict === 'met').length;
  return `# Figures

<!-- Generated from benchmarks/results/ by \`npm run docs\`. -->

How to read and repeat them: [performance.md](performance.md). Medians; *noise* is half the range of the samples; the column with x is the ratio to the product's first row.

## Bounds

${met} of ${verdicts.length} are met.

| benchmark | what must hold | figure | bound | |
|---|---|---:|---:|---|
${verdicts.map(({ name, verdict }) => boundRow(name, verdict)).join('')}
${results.map(section).join('\n')}`;
}

function boundRow(name: string, { what, metric, value, limit, atMost, verdict }: Verdict): string {
  const figure = (number: number | undefined): string => (number === undefined ? '?' : formatMetric(metric, number));
  return markdownRow([name, `${what}: ${headingOf(metric)}`, figure(value), `${atMost ? 'at most' : 'at least'} ${figure(limit)}`, verdict === 'missed' ? '**missed**' : verdict]);
}

function section({ name, question, size, tables, startedAt, commit, dirty, machine, loadBefore, loadAfter, failure }: Result): string {
  const peers = Object.entries(machine.peers).map(([peer, version]) => `${peer} ${version}`).join(', ');
  return `## ${name}

${question}

${tables.map((table) => `**${table.title}**\n\n${tableMarkdown(table)}`).join('\n')}
${failure === undefined ? '' : `Ended early: ${failure}\n\n`}*${size} size, ${startedAt.slice(0, 10)}, commit ${commit.slice(0, 12)}${dirty ? ' with changes' : ''}; ${machine.cores} x ${machine.cpu}, ${(machine.memoryBytes / 1e9).toFixed(0)} GB, ${machine.kernel}, node ${machine.node}; load ${loadBefore.toFixed(1)} before, ${loadAfter.toFixed(1)} after. ${peers}.*
`;
}
