import t from 'tap';
import { WorkerPool } from '../../../src/base/worker-pool.ts';

void t.test('a worker that dies fails its jobs, and another takes its place', async (t) => {
  const pool = new WorkerPool<string, string>(new URL('./mortal.child', import.meta.url), { workerCount: 1, shared: undefined, work: 'a test' });
  t.teardown(() => pool.close());
  t.equal(await pool.run('one'), 'did one');
  const [dying, behind] = await Promise.allSettled([pool.run('die'), pool.run('behind it')]);
  t.match(dying, { status: 'rejected', reason: { code: 'BC_INTERNAL' } });
  t.match(behind, { status: 'rejected', reason: { code: 'BC_INTERNAL' } });
  t.equal(await pool.run('two'), 'did two');
  await pool.close();
  await t.rejects(pool.run('three'), { code: 'BC_CANCELLED' });
});
