/** Makes deltas on a thread of its own, which lives for one pair of versions; here are only lookups in the index and reads of stored frames. */
import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import { endWorker } from '../base/end-worker.ts';
import { BranchcastError, throwIfAborted } from '../base/errors.ts';
import type { Digest } from '../chunking/digest.ts';
import type { DeltaStep } from '../delta/make-deltas.ts';
import type { ChunkLocation, ChunkStore, FrameLocation } from '../store/chunk-store.ts';
import { ifRotten } from '../store/store-errors.ts';

/** Many buffers outside the heap hang on few small objects: a small young generation frees them soon. */
const WORKER_HEAP = { maxYoungGenerationSizeMb: 4, maxOldGenerationSizeMb: 128 };

export interface MakerJob {
  readonly from: Digest;
  readonly to: Digest;
}

/** From the worker. */
export type MakerQuestion =
  | { readonly kind: 'locate'; readonly digests: readonly Digest[] }
  | { readonly kind: 'read'; readonly location: FrameLocation }
  | { readonly kind: 'step'; readonly step: DeltaStep }
  | { readonly kind: 'done' }
  | { readonly kind: 'failed'; readonly message: string };

/** To the worker. */
export type MakerAnswer =
  /** After a step: the next one is wanted. */
  | { readonly kind: 'go-on' }
  /** Nothing more is wanted. */
  | { readonly kind: 'end' }
  | { readonly kind: 'located'; readonly locations: readonly (ChunkLocation | undefined)[] }
  | { readonly kind: 'frame'; readonly frame: Uint8Array | undefined };

/** The steps of makeDeltas, made elsewhere. Throws BC_INTERNAL if the thread cannot go on; the thread ends with the generator. */
export async function* makeOnThread(job: MakerJob, store: Pick<ChunkStore, 'locate' | 'readFrame'>, signal: AbortSignal): AsyncGenerator<DeltaStep, void, undefined> {
  throwIfAborted(signal);
  // The worker's file has the ending of this one: .ts from source, .js when built.
  const worker = new Worker(new URL(`./delta-worker${extname(import.meta.filename)}`, import.meta.url), { workerData: job, resourceLimits: WORKER_HEAP });
  let next = expectation();
  const fail = (error: BranchcastError): void => next.reject(error);
  const lost = (cause: unknown): void => fail(new BranchcastError('BC_INTERNAL', 'the thread that makes deltas died', { cause }));
  const cancel = (): void => fail(new BranchcastError('BC_CANCELLED', 'the core is shutting down'));
  worker.on('message', (question: MakerQuestion) => next.resolve(question));
  worker.on('error', lost);
  worker.on('exit', lost);
  const gone = new Promise<void>((resolve) => worker.once('exit', () => resolve()));
  signal.addEventListener('abort', cancel, { once: true });
  const send = (answer: MakerAnswer, transfer: readonly ArrayBuffer[] = []): void => {
    next = expectation();
    worker.postMessage(answer, transfer);
  };
  try {
    for (;;) {
      const question = await next.promise;
      if (question.kind === 'done') return;
      if (question.kind === 'failed') throw new BranchcastError('BC_INTERNAL', `deltas cannot be made: ${question.message}`);
      if (question.kind === 'step') {
        yield question.step;
        throwIfAborted(signal);
        send({ kind: 'go-on' });
      } else if (question.kind === 'locate') {
        send({ kind: 'located', locations: store.locate(question.digests) });
      } else {
        // A copy, to hand over: what a store answers may be its own.
        const frame = await store.readFrame(question.location).then((bytes) => (bytes === undefined ? undefined : new Uint8Array(bytes)), ifRotten);
        send({ kind: 'frame', frame }, frame === undefined ? [] : [frame.buffer]);
      }
    }
  } finally {
    signal.removeEventListener('abort', cancel);
    worker.off('exit', lost);
    await endWorker(worker, { kind: 'end' } satisfies MakerAnswer, gone);
  }
}

/** Of a question that may never be waited for. */
function expectation(): PromiseWithResolvers<MakerQuestion> {
  const expected = Promise.withResolvers<MakerQuestion>();
  expected.promise.catch(() => undefined);
  return expected;
}
