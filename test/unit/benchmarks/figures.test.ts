/** From samples to what people read: medians, noise, headings, tables, verdicts. */
import t from 'tap';
import type { Bound, Row, Table } from '../../../benchmarks/runner/benchmark.ts';
import { betterOf, formatMetric, headingOf, isOfTime } from '../../../benchmarks/runner/metric.ts';
import { versionIn } from '../../../benchmarks/runner/peers.ts';
import { median, medianOf, spread } from '../../../benchmarks/runner/statistics.ts';
import { tableCells, tableMarkdown, tableText, verdictText } from '../../../benchmarks/runner/table-text.ts';
import { judge } from '../../../benchmarks/runner/verdict.ts';

const product: Row = { name: 'ours', role: 'product', samples: [{ wallSeconds: 2, storedBytes: 1_500_000 }, { wallSeconds: 1, storedBytes: 1_500_000 }, { wallSeconds: 3, storedBytes: 1_500_000 }] };
const peer: Row = { name: 'theirs', role: 'peer', samples: [{ wallSeconds: 4 }] };
const absent: Row = { name: 'absent', role: 'peer', samples: [], problem: 'not installed' };
const table: Table = { title: 'a table', ratioOf: 'wallSeconds', rows: [product, peer, absent] };

t.test('median and spread', async (t) => {
  t.equal(median([3, 1, 2]), 2);
  t.equal(median([4, 1, 2, 3]), 2.5, 'between the two in the middle');
  t.equal(median([100, 1, 9]), 9, 'by number, not by text');
  t.ok(Number.isNaN(median([])));
  t.equal(spread([1, 2, 3]), 0.5);
  t.equal(spread([5]), 0);
  t.equal(spread([0, 0]), 0);
  t.equal(medianOf([{ a: 1 }, { b: 5 }, { a: 3 }], 'a'), 2, 'of the samples that have the metric');
  t.equal(medianOf([{ a: 1 }], 'b'), undefined);
});

t.test('a name says heading, format and direction', async (t) => {
  const cases = [
    ['wallSeconds', 1.234, 'wall s', '1.23', 'lower'],
    ['peakRssBytes', 123_400_000, 'RSS MB', '123', 'lower'],
    ['corePeakRssBytes', 1_000_000, 'core peak RSS MB', '1.00', 'lower'],
    ['newStoredBytes', 40_000, 'new stored MB', '0.040', 'lower'],
    ['filesPerSecond', 100_000, 'files/s', '100000', 'higher'],
    ['mbPerCpuSecond', 2500, 'MB/CPU s', '2500', 'higher'],
    ['hitsPerCpuSecond', 1000, 'hits/CPU s', '1000', 'higher'],
    ['senderCpuPerGbSeconds', 1.5, 'sender CPU s/GB', '1.50', 'lower'],
    ['sharedPercent', 62.14, 'shared %', '62.1', 'higher'],
    ['nodeCount', 7, 'node', '7', undefined],
  ] as const;
  for (const [metric, value, heading, text, better] of cases) t.same([headingOf(metric), formatMetric(metric, value), betterOf(metric)], [heading, text, better], metric);
  t.same(['wallSeconds', 'warmMs', 'filesPerSecond', 'storedBytes', 'nodeCount'].map(isOfTime), [true, true, true, false, false]);
});

t.test('a table has medians, noise and ratios, and says what is missing', async (t) => {
  t.same(tableCells(table), [
    ['what', 'wall s', 'stored MB', 'noise', 'wall s x'],
    ['ours', '2.00', '1.50', '±50 %', '1.00'],
    ['theirs', '4.00', '-', '±0 %', '2.00'],
    ['absent', 'not installed'],
  ]);
  t.equal(tableText(table), 'a table\n  what    wall s  stored MB  noise  wall s x\n  ours      2.00       1.50  ±50 %      1.00\n  theirs    4.00          -   ±0 %      2.00\n  absent  not installed\n');
  t.match(tableMarkdown(table), /^\| what \|.*\n\| --- \| ---: \|/);
  t.match(tableMarkdown({ ...table, rows: [{ ...product, name: 'tar | zstd' }] }), '\n| tar \\| zstd | 2.00 |', 'a pipe in a name begins no cell');
});

t.test('bounds are judged by medians of one run', async (t) => {
  const value = { row: 'ours', metric: 'wallSeconds' };
  const verdictOf = (bound: Bound): string => judge(bound, [table]).verdict;
  t.equal(verdictOf({ what: '', value, atMost: [2] }), 'met', 'the limit itself is met');
  t.equal(verdictOf({ what: '', value, atMost: [1.9] }), 'missed');
  t.equal(verdictOf({ what: '', value, atLeast: [2.1] }), 'missed');
  t.equal(verdictOf({ what: '', value, atMost: [{ times: 0.5, row: 'theirs', metric: 'wallSeconds' }] }), 'met');
  t.equal(verdictOf({ what: '', value, atMost: [{ times: 0.4, row: 'theirs', metric: 'wallSeconds' }, 0.4] }), 'met', 'terms are added');
  t.equal(verdictOf({ what: '', value, atMost: [{ times: 1, row: 'absent', metric: 'wallSeconds' }] }), 'unknown');
  t.equal(verdictOf({ what: '', value, atMost: [{ times: 1, row: ['theirs', 'absent'], metric: 'wallSeconds' }] }), 'unknown', 'an absent peer could have been the best');
  t.equal(verdictOf({ what: '', value: { ...value, table: 'another' }, atMost: [9] }), 'unknown');
  t.equal(judge({ what: '', value, atMost: [{ times: 1, row: ['ours', 'theirs'], metric: 'wallSeconds' }] }, [table]).limit, 2, 'the best is the least');
  t.equal(verdictText(judge({ what: 'it', value, atMost: [4] }, [table])), 'met     it: wall s 2.00 <= 4.00 (0.50 of the bound)');
});

t.test('versions are found in what tools print', async (t) => {
  t.equal(versionIn('git version 2.39.5\n'), '2.39.5');
  t.equal(versionIn('casync 2\n+SECCOMP'), '2');
  t.equal(versionIn('\nno number here'), 'no number here');
});
