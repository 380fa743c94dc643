/** The little statistics that a few samples of a noisy machine bear. */
import type { Sample } from './benchmark.ts';

/** NaN of nothing. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? (sorted[middle] ?? Number.NaN) : ((sorted[middle - 1] ?? Number.NaN) + (sorted[middle] ?? Number.NaN)) / 2;
}

/** Half the range over the median: with three samples nothing finer means anything. 0 of fewer than two, or around 0. */
export function spread(values: readonly number[]): number {
  const middle = Math.abs(median(values));
  return values.length < 2 || middle === 0 ? 0 : (Math.max(...values) - Math.min(...values)) / 2 / middle;
}

/** The values of one metric, where samples have it. */
export function valuesOf(samples: readonly Sample[], metric: string): number[] {
  return samples.map((sample) => sample[metric]).filter((value) => value !== undefined);
}

/** Undefined if no sample has the metric. */
export function medianOf(samples: readonly Sample[], metric: string): number | undefined {
  const values = valuesOf(samples, metric);
  return values.length === 0 ? undefined : median(values);
}
