/** A stage of a pipeline that works on several things at a time and gives the results in order. */

/**
 * `work` runs for at most `inFlightMax` items at once; results come in the order of the items. Reads ahead no further than that, so a
 * slow consumer stops the source. After a failure nothing new is begun, and it is thrown once the work under way has ended.
 */
export function orderedMap<A, B>(inFlightMax: number, work: (item: A) => Promise<B>): (source: AsyncIterable<A>) => AsyncGenerator<B, void, undefined> {
  return async function* stage(source) {
    const items = source[Symbol.asyncIterator]();
    const results: Promise<B>[] = [];
    let next: Promise<IteratorResult<A>> | undefined;
    let ended = false;
    try {
      while (!ended || results.length > 0) {
        if (!ended && results.length < inFlightMax) next ??= quiet(items.next());
        const head = results[0];
        if (next !== undefined && (head === undefined || (await firstOf(next, head)) === 'next')) {
          const step = await next;
          next = undefined;
          if (step.done === true) ended = true;
          else results.push(quiet(work(step.value)));
        } else if (head !== undefined) {
          const result = await head;
          void results.shift();
          yield result;
        }
      }
    } finally {
      // A source that is asked for an item cannot be ended before it has answered.
      await Promise.allSettled([...results, ...(next === undefined ? [] : [next])]);
      await items.return?.();
    }
  };
}

/** Which has settled first; how it settled is for whoever awaits it. */
function firstOf(next: Promise<unknown>, head: Promise<unknown>): Promise<'next' | 'head'> {
  return Promise.race([
    head.then(() => 'head' as const, () => 'head' as const),
    next.then(() => 'next' as const, () => 'next' as const),
  ]);
}

/** Its rejection is thrown where it is awaited, maybe later: until then it is no uncaught error. */
function quiet<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => undefined);
  return promise;
}
