/** Bounds, judged by the medians of one run. */
import type { Bound, Figure, Table, Term } from './benchmark.ts';
import { medianOf } from './statistics.ts';

export interface Verdict {
  readonly what: string;
  /** `unknown`: a figure is missing, for instance because a peer is not installed. */
  readonly verdict: 'met' | 'missed' | 'unknown';
  readonly metric: string;
  readonly value?: number;
  readonly limit?: number;
  readonly atMost: boolean;
}

export function judge(bound: Bound, tables: readonly Table[]): Verdict {
  const atMost = 'atMost' in bound;
  const value = figure(bound.value, tables);
  const limit = sum(atMost ? bound.atMost : bound.atLeast, tables);
  const said = { what: bound.what, metric: bound.value.metric, atMost, ...(value === undefined ? {} : { value }), ...(limit === undefined ? {} : { limit }) };
  if (value === undefined || limit === undefined) return { ...said, verdict: 'unknown' };
  return { ...said, verdict: (atMost ? value <= limit : value >= limit) ? 'met' : 'missed' };
}

function sum(terms: readonly Term[], tables: readonly Table[]): number | undefined {
  let total = 0;
  for (const term of terms) {
    const amount = typeof term === 'number' ? term : scaled(figure(term, tables), term.times);
    if (amount === undefined) return undefined;
    total += amount;
  }
  return total;
}

function scaled(value: number | undefined, times: number): number | undefined {
  return value === undefined ? undefined : value * times;
}

/** Of several rows the least. All must be there: a peer that is not installed could have been the best. */
function figure({ table, row, metric }: Figure, tables: readonly Table[]): number | undefined {
  const names = typeof row === 'string' ? [row] : row;
  const values = names.map((name) => {
    const found = tables.filter(({ title }) => table === undefined || title === table).flatMap(({ rows }) => rows).find((one) => one.name === name);
    return found === undefined ? undefined : medianOf(found.samples, metric);
  });
  const known = values.filter((value) => value !== undefined);
  return known.length === names.length ? Math.min(...known) : undefined;
}
