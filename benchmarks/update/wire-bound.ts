/** A bound on the bytes that cross the wire, beside a peer of the same table. */
import type { Bound } from '../runner/benchmark.ts';

export function wireBound(table: string, ours: string, factor: number, peer: string): Bound {
  return { what: `${table}: ${factor} x ${peer}`, value: { table, row: ours, metric: 'wireBytes' }, atMost: [{ times: factor, table, row: peer, metric: 'wireBytes' }] };
}
