/** Tables and verdicts as text: for the terminal, and as Markdown for docs/performance-figures.md. */
import type { Row, Table } from './benchmark.ts';
import { formatMetric, headingOf } from './metric.ts';
import { medianOf, spread, valuesOf } from './statistics.ts';
import type { Verdict } from './verdict.ts';

/** Headings first. Medians; the spread of the ratio's metric; each row's ratio to the first row of the product. */
export function tableCells({ rows, ratioOf }: Table): string[][] {
  const metrics = [...new Set(rows.flatMap(({ samples }) => samples.flatMap((sample) => Object.keys(sample))))];
  const product = rows.find(({ role, samples }) => role === 'product' && samples.length > 0);
  const unit = product === undefined ? undefined : medianOf(product.samples, ratioOf);
  const withRatio = unit !== undefined && unit > 0 && rows.length > 1;
  const cells = (row: Row): string[] => {
    if (row.samples.length === 0) return [row.name, row.problem ?? 'no samples'];
    const figures = metrics.map((metric) => {
      const value = medianOf(row.samples, metric);
      return value === undefined ? '-' : formatMetric(metric, value);
    });
    const own = medianOf(row.samples, ratioOf);
    const noise = `±${(100 * spread(valuesOf(row.samples, ratioOf))).toFixed(0)} %`;
    return [row.name, ...figures, noise, ...(withRatio ? [own === undefined ? '-' : (own / unit).toFixed(2)] : [])];
  };
  return [['what', ...metrics.map(headingOf), 'noise', ...(withRatio ? [`${headingOf(ratioOf)} x`] : [])], ...rows.map(cells)];
}

export function tableText(table: Table): string {
  const cells = tableCells(table);
  const columns = cells[0]?.length ?? 0;
  // A row that has only a problem to tell must not widen the columns.
  const whole = cells.filter((line) => line.length === columns);
  const widths = Array.from({ length: columns }, (_, column) => Math.max(...(column === 0 ? cells : whole).map((line) => line[column]?.length ?? 0)));
  const lines = cells.map((line) => line.map((cell, column) => (column === 0 ? cell.padEnd(widths[0] ?? 0) : line.length === columns ? cell.padStart(widths[column] ?? 0) : cell)).join('  '));
  return `${table.title}\n${lines.map((line) => `  ${line.trimEnd()}\n`).join('')}`;
}

export function tableMarkdown(table: Table): string {
  const [headings = [], ...lines] = tableCells(table);
  return markdownRow(headings) + markdownRow(headings.map((_, column) => (column === 0 ? '---' : '---:'))) + lines.map(markdownRow).join('');
}

/** Names may be command lines: a bare `|` in one would begin another cell. */
export function markdownRow(cells: readonly string[]): string {
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |\n`;
}

/** `met     publish app: wall  1.20 <= 3.10 (0.39 of the bound)` */
export function verdictText({ verdict, what, metric, value, limit, atMost }: Verdict): string {
  const number = (figure: number | undefined): string => (figure === undefined ? '?' : formatMetric(metric, figure));
  const share = value === undefined || limit === undefined || limit === 0 ? '' : ` (${(value / limit).toFixed(2)} of the bound)`;
  return `${verdict.padEnd(8)}${what}: ${headingOf(metric)} ${number(value)} ${atMost ? '<=' : '>='} ${number(limit)}${share}`;
}
