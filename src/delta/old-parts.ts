/** Where the old bytes of new chunks may be, and how new chunks are put together so that they share a base. Pure. */
import { DELTA_BASE_CHUNKS_MAX, DELTA_CHUNKS_MAX, DELTA_MARGIN_BYTES, DELTA_RAW_BYTES_MAX, DELTA_RAW_BYTES_TARGET } from '../base/limits/deltas.ts';

/** New chunks that are compressed together, and the old ones that they are compressed against: numbers, ascending. */
export interface DeltaRun {
  readonly fresh: readonly number[];
  readonly base: readonly number[];
}

/** Some neighbouring chunks of one old file, and the bytes among them where the old content is expected. */
export interface OldPart {
  readonly sequence: OldSequence;
  readonly startBytes: number;
  readonly endBytes: number;
}

/** The chunks of an old file, or of whatever stands together, in order. */
export class OldSequence {
  readonly #numbers: readonly number[];
  /** Where each begins; and the end of all. */
  readonly #starts: readonly number[];

  constructor(numbers: readonly number[], lengths: readonly number[]) {
    this.#numbers = numbers;
    const starts = [0];
    for (const length of lengths) starts.push((starts.at(-1) ?? 0) + length);
    this.#starts = starts;
  }

  get lengthBytes(): number {
    return this.#starts.at(-1) ?? 0;
  }

  /** The chunk at an index, with so many bytes to either side. */
  around(index: number, marginBytes: number): OldPart {
    return { sequence: this, startBytes: (this.#starts[index] as number) - marginBytes, endBytes: (this.#starts[index + 1] as number) + marginBytes };
  }

  /** All of it. */
  wholly(): OldPart[] {
    return [{ sequence: this, startBytes: 0, endBytes: this.lengthBytes }];
  }

  /**
   * For each chunk of the file that this has become, where its old bytes are expected: between the nearest chunks before and after it
   * that both have; at the same share of the file if there are none.
   */
  placesOf(after: readonly number[], oldNumber: (number: number) => number | undefined, lengths: readonly number[]): OldPart[] {
    const oldStarts = new Map<number, number>();
    this.#numbers.forEach((number, at) => {
      if (!oldStarts.has(number)) oldStarts.set(number, this.#starts[at] as number);
    });
    const starts: number[] = [];
    let totalBytes = 0;
    for (const number of after) {
      starts.push(totalBytes);
      totalBytes += lengths[number] as number;
    }
    const shared = after.map((number) => {
      const old = oldNumber(number);
      return old === undefined ? undefined : oldStarts.get(old);
    });
    // The end of both files is as good as a chunk that both have.
    const next: (number | undefined)[] = [];
    let following: number | undefined = undefined;
    for (let at = after.length - 1; at >= 0; at -= 1) {
      next[at] = following;
      if (shared[at] !== undefined) following = at;
    }
    let previous: number | undefined;
    return after.map((number, at) => {
      const start = starts[at] as number;
      const length = lengths[number] as number;
      const [from, to] = [previous, next[at]];
      if (shared[at] !== undefined) previous = at;
      const low = from === undefined ? undefined : (shared[from] as number) + (start - (starts[from] as number));
      const high = to === undefined ? undefined : (shared[to] as number) - ((starts[to] as number) - start);
      const scaled = Math.round((start / totalBytes) * this.lengthBytes);
      // A file that grew or shrank between two shared chunks: somewhere from the one guess to the other.
      const guesses = low === undefined && high === undefined ? [scaled] : [low ?? high ?? 0, high ?? low ?? 0];
      return { sequence: this, startBytes: Math.min(...guesses), endBytes: Math.max(...guesses) + length };
    });
  }

  /** Numbers of the chunks that have a byte in [startBytes, endBytes). */
  numbersWithin(startBytes: number, endBytes: number): readonly number[] {
    const first = this.#at(startBytes);
    const last = this.#at(endBytes - 1);
    return this.#numbers.slice(first, last + 1);
  }

  /** Index of the chunk that holds a byte; the nearest one for a byte outside. */
  #at(offsetBytes: number): number {
    let low = 0;
    let high = this.#numbers.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      if ((this.#starts[middle] as number) <= offsetBytes) low = middle;
      else high = middle - 1;
    }
    return low;
  }
}

/** New chunks with old parts, in order, as runs of up to DELTA_RAW_BYTES_TARGET, each with as much base around its parts as fits the target. */
export function placeRuns(lengths: readonly number[], parts: readonly (readonly OldPart[])[], oldLengths: readonly number[], baseBytesTarget: number): DeltaRun[] {
  const placed = [...parts.keys()].filter((number) => (parts[number]?.length ?? 0) > 0);
  return runsOf(placed, lengths, DELTA_RAW_BYTES_TARGET).map((fresh) => {
    const rawBytes = fresh.reduce((sum, number) => sum + (lengths[number] as number), 0);
    return { fresh, base: baseOf(fresh.flatMap((number) => parts[number] ?? []), Math.min(rawBytes, DELTA_MARGIN_BYTES), oldLengths, baseBytesTarget) };
  });
}

/** Numbers of new chunks, in order, as runs that end with the chunk that reaches the target, or before the one that would exceed DELTA_RAW_BYTES_MAX. */
export function runsOf(numbers: readonly number[], lengths: readonly number[], rawBytesTarget: number): number[][] {
  const runs: number[][] = [];
  let run: number[] = [];
  let rawBytes = 0;
  const end = (): void => {
    if (run.length > 0) runs.push(run);
    run = [];
    rawBytes = 0;
  };
  for (const number of numbers) {
    const length = lengths[number] as number;
    if (rawBytes + length > DELTA_RAW_BYTES_MAX) end();
    run.push(number);
    rawBytes += length;
    if (rawBytes >= rawBytesTarget || run.length === DELTA_CHUNKS_MAX) end();
  }
  end();
  return runs;
}

/** Shares of the widest margin, which are tried until the base keeps to its target. */
const MARGIN_SHARES = [1, 1 / 2, 1 / 4, 1 / 8, 0];

/** The old chunks within the widest margin around the parts that keeps to the target; without any margin, as many as keep to it. */
function baseOf(parts: readonly OldPart[], marginBytes: number, oldLengths: readonly number[], bytesTarget: number): number[] {
  for (const margin of MARGIN_SHARES.map((share) => share * marginBytes)) {
    const base = new Set<number>();
    let bytes = 0;
    for (const { sequence, startBytes, endBytes } of parts) {
      for (const number of sequence.numbersWithin(startBytes - margin, endBytes + margin)) {
        if (base.has(number)) continue;
        const length = oldLengths[number] as number;
        if (margin === 0 && (bytes + length > bytesTarget || base.size === DELTA_BASE_CHUNKS_MAX)) break;
        base.add(number);
        bytes += length;
      }
    }
    if (margin === 0 || (bytes <= bytesTarget && base.size <= DELTA_BASE_CHUNKS_MAX)) return [...base].sort((a, b) => a - b);
  }
  return [];
}
