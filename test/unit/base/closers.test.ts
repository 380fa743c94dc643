import t from 'tap';
import { Closers } from '../../../src/base/closers.ts';
import { BranchcastError } from '../../../src/base/errors.ts';

void t.test('the last first, one after the other, each once', async (t) => {
  const closers = new Closers();
  const done: string[] = [];
  closers.add(() => done.push('first'));
  closers.add(async () => {
    done.push('second begins');
    await Promise.resolve();
    done.push('second ends');
  });
  const [one, two] = await Promise.all([closers.close(), closers.close()]);
  t.same([one, two], [[], []]);
  t.same(done, ['second begins', 'second ends', 'first']);
  await closers.close();
  t.equal(done.length, 3);
});

void t.test('one that fails does not keep the others, and every error is kept, once', async (t) => {
  const closers = new Closers();
  let closed = false;
  closers.add(() => (closed = true));
  closers.add(() => {
    throw new BranchcastError('BC_STORE_CLOSED', 'closed before');
  });
  closers.add(() => Promise.reject(new Error('no such thing')));
  const [errors, again] = await Promise.all([closers.close(), closers.close()]);
  t.match(errors, [{ code: 'BC_INTERNAL', message: 'no such thing' }, { code: 'BC_STORE_CLOSED' }]);
  t.same(again, []);
  t.ok(closed);
});
