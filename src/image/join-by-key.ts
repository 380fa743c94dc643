/** Two trees side by side, in key order. */
import type { PathKey } from '../manifest/entry.ts';
import { compareKeys } from '../manifest/key.ts';

export interface Joined<Left, Right> {
  readonly left: Left | undefined;
  readonly right: Right | undefined;
  /** How many of each side came before this one: its number, where there is one. */
  readonly leftIndex: number;
  readonly rightIndex: number;
}

/** Every key of either side once. Both sides ascend. */
export async function* joinByKey<Left extends { readonly key: PathKey }, Right extends { readonly key: PathKey }>(
  lefts: Iterable<Left> | AsyncIterable<Left>,
  rights: Iterable<Right> | AsyncIterable<Right>,
): AsyncGenerator<Joined<Left, Right>, void, undefined> {
  const leftIterator = iterate(lefts);
  const rightIterator = iterate(rights);
  try {
    let left = await next(leftIterator);
    let right = await next(rightIterator);
    let leftIndex = 0;
    let rightIndex = 0;
    while (left !== undefined || right !== undefined) {
      const order: number = left === undefined ? 1 : right === undefined ? -1 : compareKeys(left.key, right.key);
      yield { left: order <= 0 ? left : undefined, right: order >= 0 ? right : undefined, leftIndex, rightIndex };
      if (order <= 0) {
        left = await next(leftIterator);
        leftIndex += 1;
      }
      if (order >= 0) {
        right = await next(rightIterator);
        rightIndex += 1;
      }
    }
  } finally {
    await leftIterator.return?.();
    await rightIterator.return?.();
  }
}

function iterate<Item>(items: Iterable<Item> | AsyncIterable<Item>): Iterator<Item> | AsyncIterator<Item> {
  return Symbol.asyncIterator in items ? items[Symbol.asyncIterator]() : items[Symbol.iterator]();
}

async function next<Item>(iterator: Iterator<Item> | AsyncIterator<Item>): Promise<Item | undefined> {
  const result = await iterator.next();
  return result.done === true ? undefined : result.value;
}
