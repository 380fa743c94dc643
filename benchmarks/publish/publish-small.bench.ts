/** Many small files: icon sets and libraries of functions. */
import type { Benchmark } from '../runner/benchmark.ts';
import { COMMON_BOUNDS } from './publish-bounds.ts';
import { AGAIN, FIRST, PUBLISH, publishTables } from './publish-tables.ts';

const first = (metric: string) => ({ table: FIRST, row: PUBLISH, metric });
const times = (factor: number, row: string, metric: string) => ({ times: factor, table: FIRST, row, metric });

export const benchmark: Benchmark = {
  name: 'publish-small',
  question: 'What does it cost to publish small, a tree of very many small files, and its next version: time, CPU of publisher and core, memory, stored bytes?',
  diskBytes: 10e9,
  bounds: [
    { what: 'publish small v1: 0.9 x casync', value: first('wallSeconds'), atMost: [times(0.9, 'casync', 'wallSeconds')] },
    { what: 'publish small v1: 0.5 x restic, auto', value: first('wallSeconds'), atMost: [times(0.5, 'restic, auto', 'wallSeconds')] },
    { what: 'publish small v1: 0.85 x casync', value: first('storedBytes'), atMost: [times(0.85, 'casync', 'storedBytes')] },
    { what: 'publish again with nothing changed', value: { table: AGAIN, row: PUBLISH, metric: 'filesPerSecond' }, atLeast: [100_000] },
    ...COMMON_BOUNDS,
  ],
  run: (context) => publishTables(context, 'small'),
};
