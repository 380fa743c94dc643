/** Bounds of a publish: beside a peer; and what must hold whatever the tree: what v2 adds, what a publish without changes sends, memory. */
import type { CorpusName } from '../corpora/definitions.ts';
import { BORG, CASYNC, RESTIC } from '../peers/backup-store.ts';
import type { Bound } from '../runner/benchmark.ts';
import { AGAIN, FIRST, PUBLISH, SECOND } from './publish-tables.ts';

/** Of publisher and core, each. */
export const RSS_BYTES_MAX = 400e6;

/** v1 into an empty store beside a peer. */
export function firstBound(corpus: CorpusName, factor: number, row: string, metric: string): Bound {
  return { what: `publish ${corpus} v1: ${factor} x ${row}`, value: { table: FIRST, row: PUBLISH, metric }, atMost: [{ times: factor, table: FIRST, row, metric }] };
}

export const COMMON_BOUNDS: readonly Bound[] = [
  { what: 'publish v2 after v1: 0.9 x the best peer', value: { table: SECOND, row: PUBLISH, metric: 'newStoredBytes' }, atMost: [{ times: 0.9, table: SECOND, row: [RESTIC, BORG, CASYNC], metric: 'newStoredBytes' }] },
  { what: 'publish again with nothing changed', value: { table: AGAIN, row: PUBLISH, metric: 'uploadedBytes' }, atMost: [0] },
  ...[FIRST, SECOND].flatMap((table): Bound[] => [
    { what: `${table}: memory of the publisher`, value: { table, row: PUBLISH, metric: 'peakRssBytes' }, atMost: [RSS_BYTES_MAX] },
    { what: `${table}: memory of the core`, value: { table, row: PUBLISH, metric: 'corePeakRssBytes' }, atMost: [RSS_BYTES_MAX] },
  ]),
];
