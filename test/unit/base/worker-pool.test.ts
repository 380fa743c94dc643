import t, { type Test } from 'tap';
import { WorkerPool } from '../../../src/base/worker-pool.ts';

function poolOf(t: Test, options: { readonly workerCount: number; readonly jobsBeforeNext?: number }): WorkerPool<string, string> {
  const pool = new WorkerPool<string, string>(new URL('./mortal.child', import.meta.url), { ...options, shared: undefined, work: 'a test' });
  t.teardown(() => pool.close());
  return pool;
}

void t.test('a worker that dies fails its jobs, and another takes its place', async (t) => {
  const pool = poolOf(t, { workerCount: 1 });
  t.equal(await pool.run('one'), 'did one');
  const [dying, behind] = await Promise.allSettled([pool.run('die'), pool.run('behind it')]);
  t.match(dying, { status: 'rejected', reason: { code: 'BC_INTERNAL' } });
  t.match(behind, { status: 'rejected', reason: { code: 'BC_INTERNAL' } });
  t.equal(await pool.run('two'), 'did two');
  await pool.close();
  await t.rejects(pool.run('three'), { code: 'BC_CANCELLED' });
});

void t.test('a worker that is hired ahead is there before the first job, and does it', async (t) => {
  const [ahead, later] = [poolOf(t, { workerCount: 2 }), poolOf(t, { workerCount: 1 })];
  ahead.start();
  ahead.start();
  const threadOf = async (pool: WorkerPool<string, string>): Promise<number> => Number((await pool.run('wait')).slice('worker '.length));
  const laterThread = await threadOf(later);
  const aheadThread = await threadOf(ahead);
  t.ok(aheadThread < laterThread, 'threads are numbered in the order in which they are started');
  t.equal(await threadOf(ahead), aheadThread, 'one is enough for one job at a time');
  await ahead.close();
  t.doesNotThrow(() => ahead.start(), 'and nobody is hired after the end');
});

void t.test('another worker is hired while those that there are have work, up to the count', async (t) => {
  const pool = poolOf(t, { workerCount: 3 });
  const sleepers = await Promise.all(['wait', 'wait', 'wait', 'wait'].map((job) => pool.run(job)));
  t.equal(new Set(sleepers).size, 3);
});

void t.test('none is hired for fewer jobs than it takes, nor before the last one is up', async (t) => {
  const pool = poolOf(t, { workerCount: 2, jobsBeforeNext: 2 });
  t.equal(new Set(await Promise.all(['wait', 'wait', 'wait', 'wait'].map((job) => pool.run(job)))).size, 1, 'the first has just been started');
  t.equal(new Set(await Promise.all(['wait', 'wait'].map((job) => pool.run(job)))).size, 1);
  t.equal(new Set(await Promise.all(['wait', 'wait', 'wait'].map((job) => pool.run(job)))).size, 2);
});
