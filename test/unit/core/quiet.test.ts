import t from 'tap';
import { Quiet } from '../../../src/core/quiet.ts';

let nowMs = 0;
const clock = { wallMs: () => nowMs, monotonicMs: () => nowMs, sleep: async (ms: number) => { nowMs += ms; } };

await t.test('it is quiet when nobody has published for so long', async (t) => {
  const quiet = new Quiet(clock, 100);
  t.equal(quiet.waitMs, 100, 'a core that has just started may be about to be published to');
  nowMs += 100;
  t.equal(quiet.waitMs, 0);
  const [first, second] = [quiet.begin(), quiet.begin()];
  nowMs += 1000;
  first();
  first();
  t.equal(quiet.waitMs, 100, 'one is still under way, however long it takes');
  nowMs += 1000;
  second();
  nowMs += 40;
  t.equal(quiet.waitMs, 60);
  await quiet.wait(new AbortController().signal);
  t.equal(quiet.waitMs, 0);
});
