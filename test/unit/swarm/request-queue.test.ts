import t from 'tap';
import { RequestQueue, type WorkRequest } from '../../../src/swarm/request-queue.ts';

const request = (requestId: number): WorkRequest => ({ type: 'resolve', requestId, ref: 'x' });
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

await t.test('in order, one at a time, and no more than the bound', async (t) => {
  const queue = new RequestQueue(2);
  await queue.add(request(1));
  await queue.add(request(2));
  let added = false;
  const third = queue.add(request(3)).then(() => (added = true));
  await turn();
  t.equal(added, false, 'the third waits');
  t.equal((await queue.first())?.request.requestId, 1);
  t.equal((await queue.first())?.request.requestId, 1, 'the first stays until it is done');
  queue.done();
  await third;
  t.equal((await queue.first())?.request.requestId, 2);
  queue.done();
  queue.end();
  t.equal((await queue.first())?.request.requestId, 3, 'what came before the end is still there');
  queue.done();
  t.equal(await queue.first(), undefined);
});

await t.test('who waits for a request gets it, or the end', async (t) => {
  const queue = new RequestQueue(2);
  const first = queue.first();
  await queue.add(request(5));
  t.equal((await first)?.request.requestId, 5);
  queue.done();
  const second = queue.first();
  queue.end();
  t.equal(await second, undefined);
});

await t.test('cancel reaches its own request; drop reaches all, and who waits for room', async (t) => {
  const queue = new RequestQueue(2);
  await queue.add(request(1));
  await queue.add(request(2));
  const first = await queue.first();
  queue.cancel(99);
  t.equal(first?.abort.signal.aborted, false);
  queue.cancel(1);
  t.match(first?.abort.signal.reason, { code: 'BC_CANCELLED' });
  const waiting = queue.add(request(3));
  queue.drop();
  await waiting;
  t.equal(await queue.first(), undefined, 'nothing is left to be answered');
});

await t.test('a number that is taken is refused; after its answer it is free', async (t) => {
  const queue = new RequestQueue(4);
  await queue.add(request(1));
  await t.rejects(queue.add(request(1)), { code: 'BC_PROTOCOL' });
  queue.done();
  await queue.add(request(1));
  t.equal((await queue.first())?.request.requestId, 1);
});
