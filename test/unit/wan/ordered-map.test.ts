import t from 'tap';
import { orderedMap } from '../../../src/wan/ordered-map.ts';

async function* count(to: number, onTake: (n: number) => void = () => undefined): AsyncGenerator<number> {
  for (let n = 0; n < to; n += 1) {
    onTake(n);
    yield n;
  }
}

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const item of items) found.push(item);
  return found;
}

void t.test('results keep the order of the items, however long each takes', async (t) => {
  const turns = (n: number): number => (n * 7) % 5;
  const stage = orderedMap(3, async (n: number) => {
    for (let turn = turns(n); turn > 0; turn -= 1) await new Promise((resolve) => setImmediate(resolve));
    return n * 10;
  });
  t.same(await all(stage(count(20))), Array.from({ length: 20 }, (_, n) => n * 10));
});

void t.test('no more than so many at a time, and no reading ahead of a slow consumer', async (t) => {
  let inFlight = 0;
  let inFlightMost = 0;
  let taken = 0;
  const stage = orderedMap(4, async (n: number) => {
    inFlight += 1;
    inFlightMost = Math.max(inFlightMost, inFlight);
    await new Promise((resolve) => setImmediate(resolve));
    inFlight -= 1;
    return n;
  });
  const results = stage(count(100, () => (taken += 1)));
  await results.next();
  for (let turn = 0; turn < 50; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  t.ok(taken <= 5, `${taken} taken for one result`);
  await all(results);
  t.equal(inFlightMost, 4);
  t.equal(taken, 100);
});

void t.test('a failure is thrown in its place and ends the source', async (t) => {
  let ended = false;
  async function* source(): AsyncGenerator<number> {
    try {
      yield* count(100);
    } finally {
      ended = true;
    }
  }
  const got: number[] = [];
  const stage = orderedMap(3, async (n: number) => {
    if (n === 5) throw new Error('five');
    return n;
  });
  await t.rejects(async () => {
    for await (const n of stage(source())) got.push(n);
  }, { message: 'five' });
  t.same(got, [0, 1, 2, 3, 4]);
  t.ok(ended);
});

void t.test('a failing source is thrown after the results before it', async (t) => {
  async function* source(): AsyncGenerator<number> {
    yield 1;
    yield 2;
    throw new Error('no more');
  }
  const got: number[] = [];
  await t.rejects(async () => {
    for await (const n of orderedMap(1, async (n: number) => n)(source())) got.push(n);
  }, { message: 'no more' });
  t.same(got, [1, 2]);
});

void t.test('a consumer that leaves ends the source', async (t) => {
  let ended = false;
  async function* source(): AsyncGenerator<number> {
    try {
      yield* count(100);
    } finally {
      ended = true;
    }
  }
  for await (const n of orderedMap(3, async (n: number) => n)(source())) if (n === 2) break;
  t.ok(ended);
});
