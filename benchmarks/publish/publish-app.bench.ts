/** Large files: compilers and runtimes. */
import { BORG, RESTIC } from '../peers/backup-store.ts';
import type { Benchmark } from '../runner/benchmark.ts';
import { COMMON_BOUNDS, firstBound } from './publish-bounds.ts';
import { publishTables } from './publish-tables.ts';

export const benchmark: Benchmark = {
  name: 'publish-app',
  question: 'What does it cost to publish app, a tree of large files, and its next version: time, CPU of publisher and core, memory, stored bytes?',
  diskBytes: 30e9,
  bounds: [
    firstBound('app', 0.5, RESTIC, 'wallSeconds'),
    firstBound('app', 0.6, BORG, 'wallSeconds'),
    firstBound('app', 0.6, RESTIC, 'cpuSeconds'),
    firstBound('app', 0.95, RESTIC, 'storedBytes'),
    ...COMMON_BOUNDS,
  ],
  run: (context) => publishTables(context, 'app'),
};
