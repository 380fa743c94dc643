import t from 'tap';
import { Gate } from '../../../src/core/gate.ts';

void t.test('so many inside, so many waiting, the rest is told to come back', async (t) => {
  const gate = new Gate('tests', 2, 1);
  const first = await gate.enter();
  const second = await gate.enter();
  let thirdIn = false;
  const third = gate.enter().then((leave) => {
    thirdIn = true;
    return leave;
  });
  await t.rejects(gate.enter(), { code: 'BC_BUSY', details: { retryAfterMs: Number } });
  t.notOk(thirdIn);
  first();
  first();
  const leaveThird = await third;
  t.ok(thirdIn, 'a place is handed over, once');
  second();
  leaveThird();
  t.equal(await gate.run(async () => 7), 7);
  await t.rejects(gate.run(async () => Promise.reject(new Error('no'))), { message: 'no' });
  t.equal(await gate.run(async () => 8), 8, 'a failure leaves too');
});

void t.test('who left while waiting gives the turn on', async (t) => {
  const gate = new Gate('tests', 1, 5);
  const first = await gate.enter();
  const gone = new AbortController();
  const second = gate.enter(gone.signal);
  const third = gate.enter();
  gone.abort();
  first();
  await t.rejects(second, { code: 'BC_CANCELLED' });
  (await third)();
});
