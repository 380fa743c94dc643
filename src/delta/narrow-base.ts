/** Leaves out of a base the chunks that nothing is copied from: each costs its name on the wire, and its holder the reading and hashing of it. Pure. */
import { fromZigzag, toZigzag, VARINT_BYTES_MAX, VarintReader, writeVarint } from '../base/varint.ts';
import { OldSequence } from './old-parts.ts';

export interface NarrowBase {
  /** By the index of the base chunk. */
  readonly isKept: readonly boolean[];
  /** The control section, for a base of the kept chunks alone. */
  readonly control: Uint8Array;
}

interface Step {
  readonly old: number;
  readonly copyBytes: number;
  readonly extraBytes: number;
}

/** `control` is a sound control section for a base of chunks with these lengths. */
export function narrowBase(control: Uint8Array, lengths: readonly number[]): NarrowBase {
  const base = new OldSequence([...lengths.keys()], lengths);
  const steps = stepsOf(control).map((step) => ({ ...step, copied: step.copyBytes === 0 ? [] : base.numbersWithin(step.old, step.old + step.copyBytes) }));
  const isKept = lengths.map(() => false);
  for (const { copied } of steps) for (const index of copied) isKept[index] = true;
  let dropped = 0;
  /** For each chunk, how many bytes before it are left out. */
  const droppedBefore = lengths.map((length, index) => {
    const before = dropped;
    if (isKept[index] !== true) dropped += length;
    return before;
  });
  // A step that copies nothing is anywhere: where the one before it ended.
  let end = 0;
  const moved = steps.map((step) => {
    const first = step.copied[0];
    const old = first === undefined ? end : step.old - (droppedBefore[first] as number);
    end = old + step.copyBytes;
    return { ...step, old };
  });
  return { isKept, control: controlOf(moved) };
}

function stepsOf(control: Uint8Array): Step[] {
  const numbers = new VarintReader(control);
  const steps: Step[] = [];
  for (let old = 0; ; ) {
    const copyBytes = numbers.next();
    const extraBytes = numbers.next();
    steps.push({ old, copyBytes, extraBytes });
    if (numbers.isAtEnd) return steps;
    old += copyBytes + fromZigzag(numbers.next());
  }
}

function controlOf(steps: readonly Step[]): Uint8Array {
  const control = new Uint8Array(steps.length * 3 * VARINT_BYTES_MAX);
  let at = 0;
  let end = 0;
  for (const [index, { old, copyBytes, extraBytes }] of steps.entries()) {
    if (index > 0) at = writeVarint(control, at, toZigzag(old - end));
    at = writeVarint(control, writeVarint(control, at, copyBytes), extraBytes);
    end = old + copyBytes;
  }
  return control.subarray(0, at);
}
