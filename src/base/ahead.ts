/** Work that is begun before its results are wanted. */

export interface Done<Item, Result> {
  readonly item: Item;
  readonly result: Result;
}

/**
 * Each item with what `begin` makes of it, in the items' order; the work on up to `aheadMax` of them is under way at a time. What fails, fails in its turn.
 * However the walk ends, nothing of it is under way any more when it has.
 */
export async function* ahead<Item, Result>(items: AsyncIterable<Item>, aheadMax: number, begin: (item: Item) => Promise<Result>): AsyncGenerator<Done<Item, Result>, void, undefined> {
  const begun: { readonly item: Item; readonly result: Promise<Result> }[] = [];
  const oldest = async (): Promise<Done<Item, Result>> => {
    const { item, result } = begun[0] as (typeof begun)[number];
    await result.finally(() => begun.shift());
    return { item, result: await result };
  };
  try {
    for await (const item of items) {
      const result = begin(item);
      result.catch(() => undefined);
      begun.push({ item, result });
      if (begun.length === aheadMax) yield await oldest();
    }
    while (begun.length > 0) yield await oldest();
  } finally {
    await Promise.allSettled(begun.map(({ result }) => result));
  }
}
