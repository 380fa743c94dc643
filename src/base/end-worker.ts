/** How a worker thread is ended from outside: it ends itself, and is terminated only if it does not. */
import type { Worker } from 'node:worker_threads';
import { WORKER_END_TIMEOUT_MS } from './limits/store.ts';

/**
 * Resolves when the thread is gone. `word` is the message that it ends at; `gone` resolves with its exit, which may be over. Not terminated at once: Node.js 24
 * dies of a worker whose end comes while its modules, some of which await at their top, are being loaded ("Check failed: (location_) != nullptr").
 */
export async function endWorker(worker: Worker, word: unknown, gone: Promise<void>): Promise<void> {
  worker.ref();
  worker.postMessage(word, []);
  const late = setTimeout(() => void worker.terminate(), WORKER_END_TIMEOUT_MS);
  await gone;
  clearTimeout(late);
}
