/**
 * The contract of a benchmark: a file `benchmarks/<topic>/NAME.bench.ts` that exports `benchmark`. The runner finds it, runs it in a process of
 * its own, prints its tables and keeps its samples.
 */
import type { Corpora } from '../corpora/corpora.ts';
import type { Peer, PeerName } from './peers.ts';

/** `small` proves that the benchmark works and takes seconds, on generated input; `full` is what the bounds are about. */
export type Size = 'small' | 'full';

export interface Benchmark {
  /** Unique; what `npm run bench -- NAME` takes. The name of its file. */
  readonly name: string;
  /** What the figures answer, in a sentence or two; printed first. */
  readonly question: string;
  readonly bounds?: readonly Bound[];
  /** Free bytes that the full size needs in the scratch directory; default 1 GiB. */
  readonly diskBytes?: number;
  /** Ends with the last table. Rejects if the question cannot be answered here; says so plainly. */
  readonly run: (context: BenchContext) => Promise<void>;
}

/** One round of one contender: figures by name, units last (metric.ts reads the names). */
export type Sample = Readonly<Record<string, number>>;

/** `product`: judged by bounds and by bench:compare. `peer`: what a user would take instead. `reference`: a limit of the machine, or another way to do it. */
export type Role = 'product' | 'peer' | 'reference';

export interface Contender {
  /** Unique in its table. */
  readonly name: string;
  /** Default `product`. */
  readonly role?: Role;
  /** The tool that it needs: the row says `not installed` without it. */
  readonly needs?: PeerName;
  /** Before each round, not measured. */
  readonly prepare?: (round: number) => unknown;
  readonly run: (round: number) => Promise<Sample> | Sample;
}

export interface TableOptions {
  /** Rounds that count at the full size; default ROUNDS, and always so at the small one. Rounds of all contenders are interleaved, so that a noisy moment is shared. */
  readonly rounds?: number;
  /** Rounds before them that do not; default 0. */
  readonly warmUps?: number;
  /** The metric of the column `x product`; default wallSeconds. */
  readonly ratioOf?: string;
}

export interface Row {
  readonly name: string;
  readonly role: Role;
  readonly samples: readonly Sample[];
  /** Why there are no samples: `not installed`, or how it failed. */
  readonly problem?: string;
}

export interface Table {
  readonly title: string;
  readonly ratioOf: string;
  readonly rows: readonly Row[];
}

/** A median of this run: of a row, or of the best (least) of several rows. */
export interface Figure {
  /** Default: the table that has the row. */
  readonly table?: string;
  readonly row: string | readonly string[];
  readonly metric: string;
}

/** A limit is a number, or so many times a figure of the same run. */
export type Term = number | (Figure & { readonly times: number });

/** What must hold at the full size. The sum of the terms is the limit. */
export type Bound = { readonly what: string; readonly value: Figure } & ({ readonly atMost: readonly Term[] } | { readonly atLeast: readonly Term[] });

export interface ChildOptions {
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
}

export interface ChildRun {
  /** wallSeconds, cpuSeconds, and where GNU time is installed peakRssBytes: of the process and the children that it waited for. What is not known is NaN. */
  readonly sample: Sample;
  readonly stdout: string;
  readonly stderr: string;
}

export interface BenchContext {
  readonly size: Size;
  /** Ctrl-C, or the benchmark's time is up. */
  readonly signal: AbortSignal;
  /** An empty directory; the runner removes it. Do not delete many files during a run: ext4 is then slow to create new ones for minutes. */
  readonly dir: string;
  /** Shared by all benchmarks of a run: for what is made once and only read from then on. */
  readonly runDir: string;
  /** Inputs: real ones at the full size, generated ones of the same shape at the small size. */
  readonly corpora: Corpora;
  /** Undefined if it is not installed. */
  readonly peer: (name: PeerName) => Peer | undefined;
  /** Runs the contenders in turn and prints the table. A contender that fails is said and left out; the others go on. */
  readonly table: (title: string, contenders: readonly Contender[], options?: TableOptions) => Promise<Table>;
  /** Work in this process: wallSeconds, cpuSeconds of all threads, peakRssBytes of the process meanwhile; and what `work` answers. */
  readonly measure: (work: () => Promise<Sample | void> | Sample | void) => Promise<Sample>;
  /** A command, measured. Rejects on failure and when it takes longer than a contender may at this size; nothing of it is left running. */
  readonly child: (command: string, args: readonly string[], options?: ChildOptions) => Promise<ChildRun>;
  /** A line for people, on stderr. */
  readonly say: (line: string) => void;
}
