/** docs/growth.svg: what publish, pull and diff cost at 1, 4 and 16 times the data, both axes logarithmic. */
import { FACTORS, GROWTH_TABLE, growthRow } from '../../benchmarks/growth/growth-names.ts';
import type { Row } from '../../benchmarks/runner/benchmark.ts';
import type { Result } from '../../benchmarks/runner/result.ts';
import { medianOf } from '../../benchmarks/runner/statistics.ts';

interface Series {
  readonly label: string;
  readonly color: string;
  readonly points: readonly { readonly megabytes: number; readonly seconds: number }[];
}

const WIDTH = 720;
const HEIGHT = 420;
const MARGIN = { left: 70, right: 130, top: 30, bottom: 50 };
/** Colours that colour-blind people tell apart (Okabe and Ito, 2008). */
const PLOTTED = [
  { what: 'publish', metric: 'cpuSeconds', label: 'publish, CPU s', color: '#0072b2' },
  { what: 'pull', metric: 'cpuSeconds', label: 'pull, CPU s', color: '#d55e00' },
  { what: 'diff', metric: 'wallSeconds', label: 'diff, s', color: '#009e73' },
];

export function growthPlot(result: Result): string {
  const rows = result.tables.find(({ title }) => title === GROWTH_TABLE)?.rows ?? [];
  return draw(PLOTTED.map(({ what, metric, label, color }) => ({ label, color, points: FACTORS.flatMap((factor) => pointOf(rows, growthRow(what, factor), metric)) })));
}

function pointOf(rows: readonly Row[], name: string, metric: string): Series['points'] {
  const samples = rows.find((row) => row.name === name)?.samples ?? [];
  const [bytes, seconds] = [medianOf(samples, 'logicalBytes'), medianOf(samples, metric)];
  return bytes === undefined || seconds === undefined ? [] : [{ megabytes: bytes / 1e6, seconds }];
}

function draw(series: readonly Series[]): string {
  const points = series.flatMap((one) => one.points);
  if (points.length === 0) throw new Error('a plot of no points');
  const x = scale(points.map(({ megabytes }) => megabytes), MARGIN.left, WIDTH - MARGIN.right);
  const y = scale(points.map(({ seconds }) => seconds), HEIGHT - MARGIN.bottom, MARGIN.top);
  const parts = [
    ...x.ticks.map((tick) => line(x.at(tick), MARGIN.top, x.at(tick), HEIGHT - MARGIN.bottom, 'stroke="#ddd"') + text(x.at(tick), HEIGHT - MARGIN.bottom + 18, `${tick} MB`, 'text-anchor="middle"')),
    ...y.ticks.map((tick) => line(MARGIN.left, y.at(tick), WIDTH - MARGIN.right, y.at(tick), 'stroke="#ddd"') + text(MARGIN.left - 8, y.at(tick) + 4, `${tick} s`, 'text-anchor="end"')),
    ...series.map((one) => drawSeries(one, x.at, y.at)),
    text(WIDTH / 2, HEIGHT - 10, 'dashed: in proportion to the data', 'text-anchor="middle" fill="#666"'),
  ];
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif" font-size="12" role="img" aria-label="Cost of publish, pull and diff against the size of the layer">
<rect width="${WIDTH}" height="${HEIGHT}" fill="#fff"/>
${parts.join('\n')}
</svg>
`;
}

function drawSeries({ label, color, points }: Series, x: (value: number) => number, y: (value: number) => number): string {
  const [first, last] = [points[0], points.at(-1)];
  if (first === undefined || last === undefined) return '';
  const path = points.map(({ megabytes, seconds }, index) => `${index === 0 ? 'M' : 'L'}${round(x(megabytes))} ${round(y(seconds))}`).join(' ');
  const linear = y((first.seconds * last.megabytes) / first.megabytes);
  return [
    `<path d="${path}" fill="none" stroke="${color}" stroke-width="2"/>`,
    ...points.map(({ megabytes, seconds }) => `<circle cx="${round(x(megabytes))}" cy="${round(y(seconds))}" r="4" fill="${color}"/>`),
    // Cut off at the top: a flat series at the bottom would lead its guide out of the plot.
    linear >= MARGIN.top ? line(x(first.megabytes), y(first.seconds), x(last.megabytes), linear, `stroke="${color}" stroke-dasharray="4 4" opacity="0.6"`) : '',
    text(x(last.megabytes) + 10, y(last.seconds) + 4, label, `fill="${color}"`),
  ].join('\n');
}

/** Logarithmic, from a power of ten below the least value to one above the greatest. */
function scale(values: readonly number[], from: number, to: number): { at: (value: number) => number; ticks: number[] } {
  const low = Math.floor(Math.log10(Math.min(...values)));
  const high = Math.max(low + 1, Math.ceil(Math.log10(Math.max(...values))));
  return {
    at: (value) => from + ((Math.log10(value) - low) / (high - low)) * (to - from),
    ticks: Array.from({ length: high - low + 1 }, (_, index) => Number((10 ** (low + index)).toPrecision(1))),
  };
}

function line(x1: number, y1: number, x2: number, y2: number, style: string): string {
  return `<line x1="${round(x1)}" y1="${round(y1)}" x2="${round(x2)}" y2="${round(y2)}" ${style}/>`;
}

function text(x: number, y: number, words: string, style: string): string {
  return `<text x="${round(x)}" y="${round(y)}" ${style}>${words}</text>`;
}

function round(value: number): string {
  return value.toFixed(1);
}
