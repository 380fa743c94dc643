/** One assignment of an endpoint: a directory that follows a layer. Looks, pulls, waits, and says how it stands. */
import type { Clock } from '../base/clock.ts';
import { asBranchcastError, type BranchcastError } from '../base/errors.ts';
import type { Logger } from '../base/log.ts';
import { formatRoot } from '../chunking/digest.ts';
import type { Sources } from '../transfer/ask-sources.ts';
import type { LayerRecord } from '../transfer/chunk-source.ts';
import { pullLayer, resolveLayer, type BytesBySource, type PullProgress } from './pull-layer.ts';

export interface AssignmentOptions {
  /** `name@version`, or `name` to follow its newest version. */
  readonly layer: string;
  readonly target: string;
  readonly adopt: boolean;
  readonly pollIntervalMs: number;
  /** For so long a target that was found right is taken to be so still. */
  readonly driftCheckIntervalMs: number;
  readonly deltas: boolean;
  readonly spare: boolean;
  readonly sources: Sources;
  readonly clock: Clock;
  readonly log: Logger;
  readonly signal: AbortSignal;
}

/** JSON of `GET /v1/status`. */
export interface AssignmentStatus {
  readonly layer: string;
  readonly target: string;
  readonly state: 'waiting' | 'pulling' | 'applied' | 'failed';
  /** What is there, once anything is. */
  readonly version?: string;
  readonly root?: string;
  /** Of the last pull that changed something, or of the one under way. */
  readonly startedAt?: string;
  readonly seconds?: number;
  readonly bytes: BytesBySource;
  readonly progress?: { readonly state: string; readonly doneBytes: number; readonly neededBytes: number };
  readonly error?: { readonly code: string; readonly message: string };
}

export class Assignment {
  readonly #options: AssignmentOptions;
  #status: AssignmentStatus;
  /** Bytes of all pulls since the start. */
  #totals: BytesBySource = { reflector: 0, peers: 0, core: 0, seed: 0 };
  /** The layer that the target was last seen to be, and when. */
  #settled: { readonly layer: LayerRecord; readonly atMs: number } | undefined;

  constructor(options: AssignmentOptions) {
    this.#options = options;
    this.#status = { layer: options.layer, target: options.target, state: 'waiting', bytes: this.#totals };
  }

  get status(): AssignmentStatus {
    return this.#status;
  }

  get totals(): BytesBySource {
    return this.#totals;
  }

  /** Runs until the signal fires. Never rejects: a failure is shown, logged, and tried again. */
  async follow(): Promise<void> {
    const { signal, clock, pollIntervalMs } = this.#options;
    while (!signal.aborted) {
      await this.#pull();
      await clock.sleep(pollIntervalMs, signal).catch(() => undefined);
    }
  }

  /** The layer that the target is taken to be still: a look at every file costs too much to go with every poll. */
  #settledLayer(): LayerRecord | undefined {
    const { clock, driftCheckIntervalMs } = this.#options;
    return this.#settled !== undefined && clock.monotonicMs() - this.#settled.atMs < driftCheckIntervalMs ? this.#settled.layer : undefined;
  }

  async #pull(): Promise<void> {
    const { layer: ref, target, adopt, deltas, spare, sources, clock, log, signal } = this.#options;
    const startedMs = clock.monotonicMs();
    const startedAt = new Date(clock.wallMs()).toISOString();
    const seconds = (): number => Math.round(clock.monotonicMs() - startedMs) / 1000;
    let latest: PullProgress | undefined;
    const onProgress = (progress: PullProgress): void => {
      latest = progress;
      const { state, layer, doneBytes, neededBytes, bytes } = progress;
      // A look that finds nothing new leaves the figures of the last change standing.
      if (state === 'resolving' || state === 'manifest' || state === 'planning' || state === 'applied') return;
      if (state === 'in force' && layer !== undefined) {
        this.#status = { layer: ref, target, state: 'applied', ...whatIsThere(layer), startedAt, seconds: seconds(), bytes };
        log.info({ layer: `${layer.name}@${layer.version}`, target, seconds: seconds(), bytes }, 'applied');
        return;
      }
      this.#status = { ...withoutError(this.#status), state: 'pulling', startedAt, seconds: seconds(), bytes, progress: { state, doneBytes, neededBytes } };
    };
    try {
      const settled = this.#settledLayer();
      const now = settled === undefined ? undefined : await resolveLayer(ref, sources, signal);
      if (settled !== undefined && now !== undefined && isSame(settled, now)) {
        this.#status = { ...withoutError(this.#status), state: 'applied' };
        return;
      }
      const { layer, changed } = await pullLayer({ ref, layer: now, target, adopt, deltas, spare, sources, signal, onProgress });
      this.#settled = { layer, atMs: clock.monotonicMs() };
      if (!changed) this.#status = { ...withoutError(this.#status), state: 'applied', ...whatIsThere(layer) };
    } catch (thrown) {
      if (!signal.aborted) this.#failed(asBranchcastError(thrown));
    } finally {
      if (latest !== undefined) this.#totals = addBytes(this.#totals, latest.bytes);
    }
  }

  #failed(error: BranchcastError): void {
    const { layer, target, log, pollIntervalMs } = this.#options;
    this.#status = { ...this.#status, state: 'failed', error: { code: error.code, message: error.message } };
    log.error({ layer, target, code: error.code, details: error.details, err: error.code === 'BC_INTERNAL' ? error : undefined, retryInMs: pollIntervalMs }, error.message);
  }
}

function whatIsThere({ version, root }: LayerRecord): Pick<AssignmentStatus, 'version' | 'root'> {
  return { version, root: formatRoot(root) };
}

function isSame(a: LayerRecord, b: LayerRecord): boolean {
  return a.name === b.name && a.version === b.version && a.root === b.root;
}

function withoutError({ error: _error, progress: _progress, ...rest }: AssignmentStatus): AssignmentStatus {
  return rest;
}

function addBytes(a: BytesBySource, b: BytesBySource): BytesBySource {
  return { reflector: a.reflector + b.reflector, peers: a.peers + b.peers, core: a.core + b.core, seed: a.seed + b.seed };
}
