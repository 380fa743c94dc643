/** What is to be done for the entries of a manifest, many at a time. */
import { ENTRIES_TOGETHER } from '../base/limits/trees.ts';
import type { Leaf } from '../manifest/leaf.ts';
import type { Manifest } from '../manifest/read.ts';
import type { Pace } from './pace.ts';

/** Of every entry in key order what `stepOf` makes of it, if that is anything; it is given the entry's place in its leaf, and its number in the manifest. */
export async function* stepsOf<Step>(manifest: Manifest, pace: Pace, stepOf: (leaf: Leaf, at: number, number: number) => Step | undefined): AsyncGenerator<readonly Step[], void, undefined> {
  let steps: Step[] = [];
  let number = 0;
  for await (const { leaf, from, to } of manifest.leaves()) {
    for (let at = from; at < to; at += 1, number += 1) {
      const step = stepOf(leaf, at, number);
      if (step !== undefined) steps.push(step);
    }
    if (pace.due) await pace.turn();
    if (steps.length < ENTRIES_TOGETHER) continue;
    yield steps;
    steps = [];
  }
  yield steps;
}
