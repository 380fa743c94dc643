import t from 'tap';
import { Exclusive } from '../../../src/store/exclusive.ts';
import { FrameCache } from '../../../src/store/frame-cache.ts';
import { GroupCommit } from '../../../src/store/group-commit.ts';
import { Lanes } from '../../../src/store/lanes.ts';

function groups(fail: (jobs: readonly number[]) => boolean = () => false): { commit: GroupCommit<number, string>; made: number[][]; exclusive: Exclusive } {
  const made: number[][] = [];
  const exclusive = new Exclusive();
  const commit = new GroupCommit<number, string>(exclusive, {
    commit: async (jobs) => {
      await new Promise(setImmediate);
      if (fail(jobs)) throw new Error(`no ${jobs.join()}`);
      made.push([...jobs]);
      return jobs.map((job) => `done ${job}`);
    },
    weightOf: (job) => job,
    weightMax: 10,
  });
  return { commit, made, exclusive };
}

await t.test('what comes while a group is on its way makes the next group', async (t) => {
  const { commit, made } = groups();
  const first = commit.submit(1);
  await Promise.resolve();
  const rest = [commit.submit(2), commit.submit(3), commit.submit(4)];
  t.same(await Promise.all([first, ...rest]), ['done 1', 'done 2', 'done 3', 'done 4']);
  t.same(made, [[1], [2, 3, 4]]);
});

await t.test('a group has its bound, and one job may be heavier', async (t) => {
  const { commit, made } = groups();
  await Promise.all([6, 4, 5, 30, 1].map((job) => commit.submit(job)));
  t.same(made, [[6, 4], [5], [30], [1]]);
});

await t.test('the fault of one is not that of all', async (t) => {
  const { commit, made } = groups((jobs) => jobs.includes(3));
  const settled = await Promise.allSettled([2, 3, 4].map((job) => commit.submit(job)));
  t.same(settled.map((one) => one.status), ['fulfilled', 'rejected', 'fulfilled']);
  t.same(made, [[2], [4]]);
});

await t.test('idle waits for what is asked for meanwhile', async (t) => {
  const { commit, made, exclusive } = groups();
  void Promise.all([8, 7, 9].map((job) => commit.submit(job)));
  await exclusive.idle();
  t.same(made, [[8], [7], [9]]);
  t.equal(await exclusive.run(async () => 'next'), 'next');
  await t.rejects(exclusive.run(async () => { throw new Error('own'); }), { message: 'own' });
});

await t.test('lanes: so many at a time, in order', async (t) => {
  const lanes = new Lanes(2);
  const started: number[] = [];
  let [now, most] = [0, 0];
  await Promise.allSettled([0, 1, 2, 3, 4].map((i) => lanes.run(async () => {
    started.push(i);
    now += 1;
    most = Math.max(most, now);
    await new Promise(setImmediate);
    now -= 1;
    if (i === 1) throw new Error('a failure gives its lane back');
  })));
  t.same(started, [0, 1, 2, 3, 4]);
  t.equal(most, 2);
});

await t.test('decoded frames: made once, kept within the bound, failures forgotten', async (t) => {
  const cache = new FrameCache<ReadonlyMap<string, Uint8Array>>(25);
  const made: string[] = [];
  const frame: ReadonlyMap<string, Uint8Array> = new Map();
  const get = (key: string, result: ReadonlyMap<string, Uint8Array> | null | Error = frame): Promise<ReadonlyMap<string, Uint8Array> | undefined> => cache.get(key, 10, async () => {
    made.push(key);
    if (result instanceof Error) throw result;
    return result ?? undefined;
  });
  await Promise.all([get('a'), get('a'), get('b')]);
  await get('a');
  await get('c');
  await get('a');
  await get('b');
  t.same(made, ['a', 'b', 'c', 'b'], 'b was used least recently when c came');
  await t.rejects(get('x', new Error('rot')));
  t.equal(await get('x', null), undefined);
  t.equal(await get('x'), frame);
  t.same(made.slice(4), ['x', 'x', 'x']);
});
