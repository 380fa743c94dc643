import t from 'tap';
import { Ghosts } from '../../../src/store/ghosts.ts';
import { S3Fifo } from '../../../src/store/s3-fifo.ts';
import { noiseChunks } from './chunks.ts';

const any = (): boolean => true;

function evictAll(cache: S3Fifo, mayGo: (id: string) => boolean = any): string[] {
  const order: string[] = [];
  for (let id = cache.victim(mayGo); id !== undefined; id = cache.victim(mayGo)) {
    order.push(id);
    cache.remove(id);
  }
  return order;
}

await t.test('unused things leave in the order in which they came', async (t) => {
  const cache = new S3Fifo(100);
  for (const id of ['a', 'b', 'c']) cache.insert(id, 10, false);
  t.same(evictAll(cache), ['a', 'b', 'c']);
});

await t.test('what was read more than once over moves to the main queue; one scan of it does not help', async (t) => {
  const cache = new S3Fifo(100);
  for (const id of ['hot', 'scanned', 'cold']) cache.insert(id, 10, false);
  for (let i = 0; i < 1000; i += 1) cache.use('scanned', 1 / 1000);
  for (let i = 0; i < 3; i += 1) cache.use('hot', 1);
  t.same(evictAll(cache), ['scanned', 'cold', 'hot']);
});

await t.test('a small queue under its tenth is left alone while the main queue has something', async (t) => {
  const cache = new S3Fifo(1000);
  cache.insert('new', 10, false);
  cache.insert('old', 10, true);
  t.equal(cache.victim(any), 'old', 'ghosts that come back enter the main queue');
  for (let i = 0; i < 10; i += 1) cache.insert(`more${i}`, 10, false);
  t.equal(cache.victim(any), 'new', 'a full small queue gives first');
});

await t.test('in the main queue each use is one more round', async (t) => {
  const cache = new S3Fifo(1000);
  for (const id of ['a', 'b', 'c']) cache.insert(id, 10, true);
  cache.use('a', 1);
  for (let i = 0; i < 9; i += 1) cache.use('b', 1);
  t.same(evictAll(cache), ['c', 'a', 'b']);
});

await t.test('what may not go keeps its place', async (t) => {
  const cache = new S3Fifo(100);
  for (const id of ['a', 'b', 'c']) cache.insert(id, 20, id === 'c');
  t.same(evictAll(cache, (id) => id === 'b'), ['b']);
  t.equal(cache.victim(() => false), undefined);
  t.same(evictAll(cache), ['a', 'c']);
  t.equal(cache.victim(any), undefined);
});

await t.test('a small queue of hot things only is not a dead end', async (t) => {
  const cache = new S3Fifo(1000);
  cache.insert('hot', 10, false);
  cache.use('hot', 1);
  cache.use('hot', 1);
  t.equal(cache.victim(any), 'hot');
});

await t.test('ghosts are remembered, strangers are not', async (t) => {
  const ghosts = new Ghosts();
  const [known, strange] = [noiseChunks(500, 8), noiseChunks(500, 8, 2)];
  for (const chunk of known) ghosts.add(chunk.digest);
  t.ok(known.filter((chunk) => ghosts.has(chunk.digest)).length > 490);
  t.equal(strange.filter((chunk) => ghosts.has(chunk.digest)).length, 0);
});
