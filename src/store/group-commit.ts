/**
 * Group commit (DeWitt et al., "Implementation techniques for main memory database systems", SIGMOD 1984): while one group is on its way to
 * the disk, the next calls gather, and one sync makes them all durable.
 */
import type { Exclusive } from './exclusive.ts';

interface Waiting<Job, Result> {
  readonly job: Job;
  readonly resolve: (result: Result) => void;
  readonly reject: (error: unknown) => void;
}

export class GroupCommit<Job, Result> {
  readonly #exclusive: Exclusive;
  readonly #commit: (jobs: readonly Job[]) => Promise<readonly Result[]>;
  readonly #weightOf: (job: Job) => number;
  readonly #weightMax: number;
  #waiting: Waiting<Job, Result>[] = [];

  /** `commit` gives one result for each job, in order; a group weighs at most `weightMax`, unless one job alone weighs more. */
  constructor(exclusive: Exclusive, options: { commit: (jobs: readonly Job[]) => Promise<readonly Result[]>; weightOf: (job: Job) => number; weightMax: number }) {
    this.#exclusive = exclusive;
    this.#commit = options.commit;
    this.#weightOf = options.weightOf;
    this.#weightMax = options.weightMax;
  }

  submit(job: Job): Promise<Result> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ job, resolve, reject });
      // One turn is enough for all who come before it.
      if (this.#waiting.length === 1) void this.#exclusive.run(() => this.#turn());
    });
  }

  async #turn(): Promise<void> {
    const group = this.#takeGroup();
    if (this.#waiting.length > 0) void this.#exclusive.run(() => this.#turn());
    if (!(await this.#settle(group)) && group.length > 1) for (const one of group) await this.#settle([one], true);
  }

  #takeGroup(): Waiting<Job, Result>[] {
    let weight = 0;
    const end = this.#waiting.findIndex(({ job }, i) => (weight += this.#weightOf(job)) > this.#weightMax && i > 0);
    const group = this.#waiting.slice(0, end === -1 ? undefined : end);
    this.#waiting = this.#waiting.slice(group.length);
    return group;
  }

  /** False if the group failed and its jobs should be tried one by one: the fault of one (too large for the room there is) is not that of all. */
  async #settle(group: readonly Waiting<Job, Result>[], alone = group.length === 1): Promise<boolean> {
    try {
      const results = await this.#commit(group.map((one) => one.job));
      for (const [i, one] of group.entries()) one.resolve(results[i] as Result);
      return true;
    } catch (error) {
      if (alone) group[0]?.reject(error);
      return false;
    }
  }
}
