/** Two trees side by side, in key order. */
import type { PathKey } from '../manifest/entry.ts';
import { compareKeys } from '../manifest/key.ts';

export interface Joined<Left, Right> {
  readonly left: Left | undefined;
  readonly right: Right | undefined;
  /** How many of the left side came before this one: its number, where there is one. */
  readonly leftIndex: number;
}

/** What is in a tree, in ascending order, some of it at a time: to wait for each alone takes longer than to join it. */
export type Runs<Item> = AsyncIterable<readonly Item[]> | Iterable<readonly Item[]>;

/** Every key of either side once, in ascending order, as many at a time as both sides have at hand. */
export async function* joinByKey<Left extends { readonly key: PathKey }, Right extends { readonly key: PathKey }>(
  lefts: Runs<Left>,
  rights: Runs<Right>,
): AsyncGenerator<readonly Joined<Left, Right>[], void, undefined> {
  const [left, right] = [new Cursor(lefts), new Cursor(rights)];
  try {
    for (;;) {
      await left.fill();
      await right.fill();
      if (left.item === undefined && right.item === undefined) return;
      yield [...joinAtHand(left, right)];
    }
  } finally {
    await left.close();
    await right.close();
  }
}

/** Until a side has to be filled again. */
function* joinAtHand<Left extends { readonly key: PathKey }, Right extends { readonly key: PathKey }>(left: Cursor<Left>, right: Cursor<Right>): Generator<Joined<Left, Right>, void, undefined> {
  while (left.isFilled && right.isFilled && (left.item !== undefined || right.item !== undefined)) {
    const order = left.item === undefined ? 1 : right.item === undefined ? -1 : compareKeys(left.item.key, right.item.key);
    yield { left: order <= 0 ? left.item : undefined, right: order >= 0 ? right.item : undefined, leftIndex: left.index };
    if (order <= 0) left.advance();
    if (order >= 0) right.advance();
  }
}

/** Items that come one at a time, some at a time. */
export function* runsOf<Item>(items: Iterable<Item>, count: number): Generator<readonly Item[], void, undefined> {
  let run: Item[] = [];
  for (const item of items) {
    run.push(item);
    if (run.length === count) yield run.splice(0);
  }
  yield run;
}

class Cursor<Item> {
  /** How many items came before the current one. */
  index = 0;
  readonly #runs: AsyncIterator<readonly Item[]> | Iterator<readonly Item[]>;
  #run: readonly Item[] = [];
  #at = 0;
  #isAtEnd = false;

  constructor(runs: Runs<Item>) {
    this.#runs = Symbol.asyncIterator in runs ? runs[Symbol.asyncIterator]() : runs[Symbol.iterator]();
  }

  /** The current item; undefined at the end, and before more has been read. */
  get item(): Item | undefined {
    return this.#run[this.#at];
  }

  /** There is an item, or the end has come. */
  get isFilled(): boolean {
    return this.#isAtEnd || this.#at < this.#run.length;
  }

  async fill(): Promise<void> {
    while (!this.isFilled) {
      const { done, value } = await this.#runs.next();
      this.#isAtEnd = done === true;
      this.#run = done === true ? [] : value;
      this.#at = 0;
    }
  }

  advance(): void {
    this.#at += 1;
    this.index += 1;
  }

  async close(): Promise<void> {
    await this.#runs.return?.();
  }
}
