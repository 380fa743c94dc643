import t from 'tap';
import { Slots } from '../../../src/swarm/slots.ts';

const signal = new AbortController().signal;
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

await t.test('no more than the count, in the order of the calls', async (t) => {
  const slots = new Slots(2);
  const order: number[] = [];
  const take = (id: number): Promise<() => void> => slots.take(signal).then((release) => (order.push(id), release));
  const releases = [await take(1), await take(2)];
  const waiting = [take(3), take(4)];
  await turn();
  t.same(order, [1, 2]);
  releases[0]?.();
  releases[0]?.();
  const third = await waiting[0];
  await turn();
  t.same(order, [1, 2, 3], 'releasing twice gives back one slot');
  third?.();
  (await waiting[1])?.();
  releases[1]?.();
  await Promise.all([take(5), take(6)]);
  t.same(order, [1, 2, 3, 4, 5, 6], 'and all are free again');
});

await t.test('who gives up waiting leaves the line', async (t) => {
  const slots = new Slots(1);
  const release = await slots.take(signal);
  const stop = new AbortController();
  const impatient = slots.take(stop.signal);
  const patient = slots.take(signal);
  stop.abort();
  await t.rejects(impatient, { code: 'BC_CANCELLED' });
  release();
  (await patient)();
  t.pass('the slot went to the next');
});
