/** What is begun ahead comes in order, in bounded number, and has ended when the walk has. */
import t from 'tap';
import { ahead } from '../../../src/base/ahead.ts';
import { setTimeout as sleep } from 'node:timers/promises';

async function* numbers(count: number): AsyncGenerator<number> {
  for (let number = 0; number < count; number += 1) yield number;
}

void t.test('results come in the order of the items, whatever takes longest', async (t) => {
  const underWay = { now: 0, most: 0 };
  const begin = async (number: number): Promise<number> => {
    underWay.most = Math.max(underWay.most, (underWay.now += 1));
    await sleep(number % 3 === 0 ? 5 : 0);
    underWay.now -= 1;
    return number * 2;
  };
  const seen: [number, number][] = [];
  for await (const { item, result } of ahead(numbers(20), 4, begin)) seen.push([item, result]);
  t.same(
    seen,
    Array.from({ length: 20 }, (_, number) => [number, number * 2]),
  );
  t.equal(underWay.most, 4);
});

void t.test('fewer items than may be under way, and none', async (t) => {
  const walk = async (count: number): Promise<number[]> => {
    const results: number[] = [];
    for await (const { result } of ahead(numbers(count), 4, async (number) => number)) results.push(result);
    return results;
  };
  t.same([await walk(0), await walk(1), await walk(4)], [[], [0], [0, 1, 2, 3]]);
});

void t.test('what fails, fails in its turn, and nothing is left under way', async (t) => {
  let ended = 0;
  const begin = async (number: number): Promise<number> => {
    if (number === 2) throw new Error('the third');
    await sleep(5);
    ended += 1;
    return number;
  };
  const seen: number[] = [];
  const walk = async (): Promise<void> => {
    for await (const { result } of ahead(numbers(20), 4, begin)) seen.push(result);
  };
  await t.rejects(walk(), { message: 'the third' });
  t.same(seen, [0, 1]);
  t.equal(ended, 5, 'all that were begun but the one that failed');
});

void t.test('who leaves early waits for what was begun', async (t) => {
  let ended = 0;
  for await (const _ of ahead(numbers(20), 4, async () => sleep(5).then(() => (ended += 1)))) break;
  t.equal(ended, 4);
});
