/** A set of bits is a set of numbers. */
import fc from 'fast-check';
import t from 'tap';
import { ChunkSet } from '../../src/image/chunk-set.ts';

const COUNT_MAX = 200;

function setOf(count: number, places: readonly number[]): ChunkSet {
  const set = new ChunkSet(count);
  for (const place of places) set.add(place);
  return set;
}

void t.test('places, unions and differences', (t) => {
  const places = fc.array(fc.nat(COUNT_MAX - 1));
  fc.assert(
    fc.property(places, places, places, (a, b, c) => {
      const ascending = (numbers: Iterable<number>): number[] => [...new Set(numbers)].sort((x, y) => x - y);
      const [setA, setB, setC] = [setOf(COUNT_MAX, a), setOf(COUNT_MAX, b), setOf(COUNT_MAX, c)];
      t.same([...setA.places()], ascending(a));
      const gone = new Set([...b, ...c]);
      t.same([...setA.without([setB, setC]).places()], ascending(a.filter((place) => !gone.has(place))));
      t.same([...setA.without([]).places()], ascending(a), 'the set is as it was');
      setA.addAll(setB);
      t.same([...setA.places()], ascending([...a, ...b]));
    }),
  );
  for (const count of [1, 31, 32, 33, 64]) t.same([...setOf(count, [count - 1]).places()], [count - 1]);
  t.same([...new ChunkSet(0).places()], []);
  t.end();
});
