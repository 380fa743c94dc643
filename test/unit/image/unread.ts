/** A walk's entries as a capture takes them, none of them read: for tests that change the tree in between. */
import type { ReadEntry } from '../../../src/image/walk-batch.ts';
import type { Walked } from '../../../src/image/walk.ts';

export function* unread(tree: Iterable<Walked>): Generator<ReadEntry, void, undefined> {
  let atMs = Date.now();
  for (const { key, path, stat, target } of tree) {
    yield { key, path, stat, target, atMs, bytes: undefined };
    atMs = Date.now();
  }
}
