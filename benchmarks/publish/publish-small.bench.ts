/** Many small files: icon sets and libraries of functions. */
import { CASYNC, RESTIC } from '../peers/backup-store.ts';
import type { Benchmark } from '../runner/benchmark.ts';
import { COMMON_BOUNDS, firstBound } from './publish-bounds.ts';
import { AGAIN, PUBLISH, publishTables } from './publish-tables.ts';

export const benchmark: Benchmark = {
  name: 'publish-small',
  question: 'What does it cost to publish small, a tree of very many small files, and its next version: time, CPU of publisher and core, memory, stored bytes?',
  diskBytes: 10e9,
  bounds: [
    firstBound('small', 0.9, CASYNC, 'wallSeconds'),
    firstBound('small', 0.5, RESTIC, 'wallSeconds'),
    firstBound('small', 0.85, CASYNC, 'storedBytes'),
    { what: 'publish again with nothing changed', value: { table: AGAIN, row: PUBLISH, metric: 'filesPerSecond' }, atLeast: [100_000] },
    ...COMMON_BOUNDS,
  ],
  run: (context) => publishTables(context, 'small'),
};
