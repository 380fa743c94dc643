/** What must hold of a publish whatever the tree: what v2 adds, what a publish without changes sends, and memory. */
import type { Bound } from '../runner/benchmark.ts';
import { AGAIN, FIRST, PUBLISH, SECOND } from './publish-tables.ts';

const RSS_BYTES_MAX = 400e6;

export const COMMON_BOUNDS: readonly Bound[] = [
  { what: 'publish v2 after v1: 0.9 x the best peer', value: { table: SECOND, row: PUBLISH, metric: 'newStoredBytes' }, atMost: [{ times: 0.9, table: SECOND, row: ['restic, auto', 'borg, lz4', 'casync'], metric: 'newStoredBytes' }] },
  { what: 'publish again with nothing changed', value: { table: AGAIN, row: PUBLISH, metric: 'uploadedBytes' }, atMost: [0] },
  ...[FIRST, SECOND].flatMap((table): Bound[] => [
    { what: `${table}: memory of the publisher`, value: { table, row: PUBLISH, metric: 'peakRssBytes' }, atMost: [RSS_BYTES_MAX] },
    { what: `${table}: memory of the core`, value: { table, row: PUBLISH, metric: 'corePeakRssBytes' }, atMost: [RSS_BYTES_MAX] },
  ]),
];
