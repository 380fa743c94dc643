/**
 * The deltas from one version to another: frames in a file, and which chunks are in which. While it is being made it is read already: an answer gives
 * what is there, waits for what is to come, and ends when nothing more of what is wanted will.
 */
import { open, type FileHandle } from 'node:fs/promises';
import { BranchcastError } from '../base/errors.ts';
import { DELTA_KEPT_SHARE_MAX, DELTA_PATIENCE_MS } from '../base/limits/deltas.ts';
import type { Digest } from '../chunking/digest.ts';
import { checkDelta } from '../delta/delta-decode.ts';
import type { DeltaHeader } from '../delta/delta-header.ts';

interface SetEntry {
  readonly offsetBytes: number;
  readonly header: DeltaHeader;
}

export class DeltaSet {
  /** The file that holds the frames; it is renamed when all are made. */
  path: string;
  readonly #entries: SetEntry[] = [];
  readonly #byDigest = new Map<Digest, SetEntry>();
  /** Chunks of which it is not known yet whether a delta brings them; undefined until it is known which chunks those are. */
  #pending: Set<Digest> | undefined;
  #ended = false;
  #discarded = false;
  #changed = Promise.withResolvers<void>();

  constructor(path: string) {
    this.path = path;
  }

  get chunkCount(): number {
    return this.#byDigest.size;
  }

  /** Bytes that its frames save. */
  get savedBytes(): number {
    return this.#entries.reduce((sum, { header }) => sum + header.fullBytes - header.deltaBytes, 0);
  }

  /** Nothing more will come. */
  get ended(): boolean {
    return this.#ended;
  }

  plan(chunks: readonly Digest[]): void {
    this.#pending = new Set(chunks);
    this.#notify();
  }

  /** A frame that stands in the file now. */
  add(header: DeltaHeader, offsetBytes: number): void {
    const entry = { offsetBytes, header };
    this.#entries.push(entry);
    for (const { digest } of header.chunks) this.#byDigest.set(digest, entry);
    this.settle(header.chunks.map(({ digest }) => digest));
  }

  /** No (further) delta will bring these. */
  settle(chunks: readonly Digest[]): void {
    for (const digest of chunks) this.#pending?.delete(digest);
    this.#notify();
  }

  end(): void {
    this.#ended = true;
    this.#pending = undefined;
    this.#notify();
  }

  /** It will not be whole, and its file goes: who reads it reads on, and nobody else is brought anything. */
  discard(): void {
    this.#discarded = true;
    this.end();
  }

  /**
   * Frames that bring wanted chunks, each once and as they are made; not those of which so little is wanted that the chunks themselves are
   * as cheap. Ends early if nothing comes for DELTA_PATIENCE_MS: what is wanted has another way. Throws BC_CHUNK_CORRUPT for a file that has rotted or is gone.
   */
  async *answer(wanted: readonly Digest[], signal: AbortSignal): AsyncGenerator<{ readonly delta: Uint8Array; readonly header: DeltaHeader }, void, undefined> {
    const left = new Set(wanted);
    const file = await this.#open(signal);
    if (file === undefined) return;
    try {
      for (let next = 0; ; ) {
        for (; next < this.#entries.length; next += 1) {
          const entry = this.#entries[next] as SetEntry;
          const { header } = entry;
          if (!isWorthIt(header, left)) continue;
          const delta = new Uint8Array(header.deltaBytes);
          const { bytesRead } = await file.read(delta, 0, delta.byteLength, entry.offsetBytes);
          yield { delta: checked(delta.subarray(0, bytesRead), this.path), header };
          for (const { digest } of header.chunks) left.delete(digest);
        }
        if (this.#ended || signal.aborted || !this.#mayBring(left)) return;
        if (!(await this.#change(signal))) return;
      }
    } finally {
      await file.close();
    }
  }

  /** undefined if there is nothing to read. */
  async #open(signal: AbortSignal): Promise<FileHandle | undefined> {
    while (!this.#discarded) {
      const wasEnded = this.#ended;
      try {
        return await open(this.path, 'r');
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
        if (wasEnded) throw new BranchcastError('BC_CHUNK_CORRUPT', `${this.path} is gone`, { cause: error });
        // Until it has ended, it may be getting its last name just now.
        if (!this.#ended && (signal.aborted || !(await this.#change(signal)))) return undefined;
      }
    }
    return undefined;
  }

  #mayBring(wanted: ReadonlySet<Digest>): boolean {
    const pending = this.#pending;
    return pending === undefined || wanted.values().some((digest) => pending.has(digest));
  }

  #notify(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }

  /** False if nothing has changed for too long, or nobody waits any more. */
  async #change(signal: AbortSignal): Promise<boolean> {
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const timer = setTimeout(() => resolve(false), DELTA_PATIENCE_MS);
    const gone = (): void => resolve(false);
    signal.addEventListener('abort', gone, { once: true });
    void this.#changed.promise.then(() => resolve(true));
    try {
      return await promise;
    } finally {
      clearTimeout(timer);
      signal.removeEventListener('abort', gone);
    }
  }
}

/** Whether it saves as much for the wanted chunks alone as a delta must. */
function isWorthIt({ chunks, rawBytes, fullBytes, deltaBytes }: DeltaHeader, wanted: ReadonlySet<Digest>): boolean {
  const wantedBytes = chunks.reduce((sum, { digest, bytes }) => sum + (wanted.has(digest) ? bytes : 0), 0);
  return wantedBytes > 0 && deltaBytes <= (fullBytes * wantedBytes * DELTA_KEPT_SHARE_MAX) / rawBytes;
}

function checked(delta: Uint8Array, path: string): Uint8Array {
  try {
    checkDelta(delta);
    return delta;
  } catch (cause) {
    throw new BranchcastError('BC_CHUNK_CORRUPT', `${path} does not read back right`, { cause });
  }
}
