/**
 * What got slower or bigger between two results of one benchmark. Only rows of the product count. Times are taken beside those of the other rows
 * of the same table, which run the same code in both: if they all took twice as long, the machine was busy. A change counts when it is larger than the
 * bound and than the noise of both sides.
 */
import type { Row, Table } from './benchmark.ts';
import { betterOf, isOfTime } from './metric.ts';
import type { Result } from './result.ts';
import { median, medianOf, spread, valuesOf } from './statistics.ts';

export interface Change {
  readonly benchmark: string;
  readonly table: string;
  readonly row: string;
  readonly metric: string;
  readonly before: number;
  readonly after: number;
  /** How many times worse: 1.2 is a fifth slower or bigger, 0.5 is half; Infinity where there was nothing before. The machine's part is taken out. */
  readonly worse: number;
  /** What the samples scatter, those of the peers too, as a share: a smaller change means nothing. */
  readonly noise: number;
  readonly verdict: 'worse' | 'better' | 'same';
}

export interface Comparison {
  readonly changes: readonly Change[];
  /** What could not be compared, and why. */
  readonly notes: readonly string[];
}

/** `bound` is a share: 0.1 lets a tenth pass. */
export function compareResults(before: Result, after: Result, bound: number): Comparison {
  const { name } = after;
  if (before.size !== after.size) return { changes: [], notes: [`${name}: one result is of the ${before.size} size, the other of the ${after.size} size`] };
  const notes: string[] = [];
  if (before.machine.cpu !== after.machine.cpu || before.machine.cores !== after.machine.cores) notes.push(`${name}: measured on different machines; only ratios to peers mean something`);
  const changes = after.tables.flatMap((table) => {
    const old = before.tables.find(({ title }) => title === table.title);
    if (old === undefined) notes.push(`${name}: the table "${table.title}" is new`);
    return old === undefined ? [] : compareTables(name, old, table, bound);
  });
  return { changes, notes: [...notes, ...lost(before, after)] };
}

/** A row of the product that gives no figures any more got no better: it failed, or has another name. */
function lost(before: Result, after: Result): string[] {
  const measured = ({ tables }: Result): string[] => tables.flatMap(({ title, rows }) => rows.filter(({ role, samples }) => role === 'product' && samples.length > 0).map((row) => `${title}: ${row.name}`));
  const now = measured(after);
  return measured(before).filter((row) => !now.includes(row)).map((row) => `${after.name}: ${row}: has no figures any more`);
}

function compareTables(benchmark: string, before: Table, after: Table, bound: number): Change[] {
  return pairs(before, after, (row) => row.role === 'product').flatMap(([old, now]) => {
    const metrics = [...new Set(now.samples.flatMap((sample) => Object.keys(sample)))].filter((metric) => betterOf(metric) !== undefined);
    return metrics.flatMap((metric) => {
      const [was, is] = [medianOf(old.samples, metric), medianOf(now.samples, metric)];
      if (was === undefined || is === undefined) return [];
      const machine = isOfTime(metric) ? machineOf(before, after, metric) : STILL;
      const worse = ratio(was, is, metric) / machine.ratio;
      const noise = noiseOf(old, now, metric) + machine.noise;
      const threshold = 1 + Math.max(bound, noise);
      const verdict = worse > threshold ? 'worse' : worse < 1 / threshold ? 'better' : 'same';
      return [{ benchmark, table: after.title, row: now.name, metric, before: was, after: is, worse, noise, verdict }];
    });
  });
}

/** How many times worse the machine was, as the rows say that run the same code in both, and how far they can be believed. */
interface MachineChange {
  readonly ratio: number;
  readonly noise: number;
}

const STILL: MachineChange = { ratio: 1, noise: 0 };

function machineOf(before: Table, after: Table, metric: string): MachineChange {
  const peers = pairs(before, after, (row) => row.role === 'peer').flatMap(([old, now]) => {
    const [was, is] = [medianOf(old.samples, metric), medianOf(now.samples, metric)];
    return was === undefined || is === undefined || was <= 0 || is <= 0 ? [] : [{ ratio: ratio(was, is, metric), noise: noiseOf(old, now, metric) }];
  });
  return peers.length === 0 ? STILL : { ratio: median(peers.map((peer) => peer.ratio)), noise: median(peers.map((peer) => peer.noise)) };
}

function noiseOf(before: Row, after: Row, metric: string): number {
  return spread(valuesOf(before.samples, metric)) + spread(valuesOf(after.samples, metric));
}

/** Something where there was nothing is worse without end: bytes that an unchanged tree did not upload before. */
function ratio(was: number, is: number, metric: string): number {
  if (was === is) return 1;
  return betterOf(metric) === 'higher' ? was / is : is / was;
}

function pairs(before: Table, after: Table, wanted: (row: Row) => boolean): [Row, Row][] {
  return after.rows.filter(wanted).flatMap((now): [Row, Row][] => {
    const old = before.rows.find(({ name }) => name === now.name);
    return old === undefined ? [] : [[old, now]];
  });
}
