/** The worker threads of this process's stores. */
import { availableParallelism } from 'node:os';
import { STORE_WORKERS_MAX } from '../base/limits/store.ts';
import { FrameWorkers } from './frame-workers.ts';

let workers: FrameWorkers | undefined;

/** One processor is left to the main thread. Hired when first needed, or with start(), and there until the process ends, which they do not hold up. */
export function storeWorkers(): FrameWorkers {
  return (workers ??= new FrameWorkers(Math.min(availableParallelism() - 1, STORE_WORKERS_MAX)));
}
