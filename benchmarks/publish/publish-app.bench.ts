/** Large files: compilers and runtimes. */
import type { Benchmark } from '../runner/benchmark.ts';
import { COMMON_BOUNDS } from './publish-bounds.ts';
import { FIRST, PUBLISH, publishTables } from './publish-tables.ts';

const first = (metric: string) => ({ table: FIRST, row: PUBLISH, metric });
const times = (factor: number, row: string, metric: string) => ({ times: factor, table: FIRST, row, metric });

export const benchmark: Benchmark = {
  name: 'publish-app',
  question: 'What does it cost to publish app, a tree of large files, and its next version: time, CPU of publisher and core, memory, stored bytes?',
  diskBytes: 30e9,
  bounds: [
    { what: 'publish app v1: 0.5 x restic, auto', value: first('wallSeconds'), atMost: [times(0.5, 'restic, auto', 'wallSeconds')] },
    { what: 'publish app v1: 0.6 x borg, lz4', value: first('wallSeconds'), atMost: [times(0.6, 'borg, lz4', 'wallSeconds')] },
    { what: 'publish app v1: 0.6 x restic, auto', value: first('cpuSeconds'), atMost: [times(0.6, 'restic, auto', 'cpuSeconds')] },
    { what: 'publish app v1: 0.95 x restic, auto', value: first('storedBytes'), atMost: [times(0.95, 'restic, auto', 'storedBytes')] },
    ...COMMON_BOUNDS,
  ],
  run: (context) => publishTables(context, 'app'),
};
