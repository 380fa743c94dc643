/** Threads that all do the same kind of jobs: serve-jobs.ts is their side. */
import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import { endWorker } from './end-worker.ts';
import { BranchcastError, type ErrorCode, type ErrorDetails } from './errors.ts';

/** A worker's objects are few and short-lived, and each drags buffers along: a small young generation frees those soon. */
const WORKER_HEAP = { maxYoungGenerationSizeMb: 4, maxOldGenerationSizeMb: 64 };

/** What travels: a job to a worker, or the word that no more will come; its answer or its error back. */
export type Posted<Job> = PostedJob<Job> | 'end';

export interface PostedJob<Job> {
  readonly id: number;
  readonly job: Job;
}

export interface PostedAnswer<Answer> {
  readonly id: number;
  readonly answer?: Answer;
  readonly error?: { readonly code: ErrorCode; readonly message: string; readonly details: ErrorDetails };
}

interface Hand<Answer> {
  readonly worker: Worker;
  readonly jobs: Map<number, PromiseWithResolvers<Answer>>;
  /** It has answered. */
  isUp: boolean;
  /** Resolves when its thread has ended, however. */
  readonly gone: Promise<void>;
}

export class WorkerPool<Job, Answer> {
  readonly workerCount: number;
  readonly #hire: () => Hand<Answer>;
  readonly #work: string;
  readonly #jobsBeforeNext: number;
  #hands: Hand<Answer>[] = [];
  #nextId = 0;
  #closed = false;

  /**
   * `script` is the worker's file without its ending: .ts from source, .js when built. `shared` is what every worker gets as its workerData.
   * `work` names the work in errors. A worker is hired when there is none, and up to `workerCount` while each that there is has `jobsBeforeNext` (1 unless told): to start one costs 50 to 100 ms of
   * processor time. One that has more than that because it has just been started is waited for. Idle ones do not keep the process alive.
   */
  constructor(script: URL, options: { readonly workerCount: number; readonly shared: unknown; readonly work: string; readonly jobsBeforeNext?: number }) {
    this.workerCount = options.workerCount;
    this.#work = options.work;
    this.#jobsBeforeNext = options.jobsBeforeNext ?? 1;
    const file = new URL(script.href + extname(import.meta.filename));
    this.#hire = () => this.#handOf(new Worker(file, { resourceLimits: WORKER_HEAP, workerData: options.shared }));
  }

  /** Hires the first worker now, not with the first job: for who will have jobs, and nothing to do until then. */
  start(): void {
    if (!this.#closed && this.#hands.length === 0) this.#hands.push(this.#hire());
  }

  /** By the worker that has the fewest; a worker does its jobs in the order in which they come. The caller bounds how many wait. Rejects as the job threw. */
  run(job: Job): Promise<Answer> {
    if (this.#closed) return Promise.reject(this.#ended());
    const hand = this.#leastBusy();
    const id = this.#nextId++;
    const answer = Promise.withResolvers<Answer>();
    if (hand.jobs.size === 0) hand.worker.ref();
    hand.jobs.set(id, answer);
    const posted: PostedJob<Job> = { id, job };
    hand.worker.postMessage(posted, []);
    return answer.promise;
  }

  #leastBusy(): Hand<Answer> {
    const least = this.#hands.reduce<Hand<Answer> | undefined>((least, hand) => (least === undefined || hand.jobs.size < least.jobs.size ? hand : least), undefined);
    const isEnough = this.#hands.length === this.workerCount || (this.#jobsBeforeNext > 1 && this.#hands.some(({ isUp }) => !isUp));
    if (least !== undefined && (isEnough || least.jobs.size < this.#jobsBeforeNext)) return least;
    const hired = this.#hire();
    this.#hands.push(hired);
    return hired;
  }

  /** What is under way is given up; resolves when the threads have ended, each after the jobs that it has. May be called twice. */
  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all(this.#hands.map((hand) => this.#dismiss(hand)));
  }

  async #dismiss({ worker, jobs, gone }: Hand<Answer>): Promise<void> {
    for (const job of jobs.values()) job.reject(this.#ended());
    jobs.clear();
    await endWorker(worker, 'end' satisfies Posted<Job>, gone);
  }

  #handOf(worker: Worker): Hand<Answer> {
    const hand: Hand<Answer> = { worker, jobs: new Map(), isUp: false, gone: new Promise((resolve) => worker.once('exit', () => resolve())) };
    worker.on('message', ({ id, answer, error }: PostedAnswer<Answer>) => {
      const job = hand.jobs.get(id);
      hand.isUp = true;
      hand.jobs.delete(id);
      if (hand.jobs.size === 0 && !this.#closed) worker.unref();
      if (error === undefined) job?.resolve(answer as Answer);
      else job?.reject(new BranchcastError(error.code, error.message, { details: error.details }));
    });
    const lost = (cause: unknown): void => {
      const error = this.#closed ? this.#ended() : new BranchcastError('BC_INTERNAL', `a worker for ${this.#work} died`, { cause });
      for (const job of hand.jobs.values()) job.reject(error);
      hand.jobs.clear();
      this.#hands = this.#hands.filter((other) => other !== hand);
    };
    worker.unref();
    worker.on('error', lost);
    worker.on('exit', lost);
    return hand;
  }

  #ended(): BranchcastError {
    return new BranchcastError('BC_CANCELLED', `${this.#work} has ended`);
  }
}
