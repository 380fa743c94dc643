/** Rounds are interleaved, and one contender that fails does not end the others. */
import t from 'tap';
import { runTable, type TableHooks } from '../../../benchmarks/runner/run-table.ts';

const hooks = (changes: Partial<TableHooks> = {}): TableHooks => ({ signal: new AbortController().signal, isInstalled: () => true, say: () => undefined, progress: () => undefined, ...changes });

t.test('every round runs every contender; warm-ups leave no sample', async (t) => {
  const order: string[] = [];
  const contender = (name: string) => ({ name, run: (round: number) => (order.push(`${name}${round}`), { wallSeconds: round }) });
  const { rows } = await runTable('', [contender('a'), contender('b')], { rounds: 2, warmUps: 1 }, hooks());
  t.same(order, ['a-1', 'b-1', 'a0', 'b0', 'a1', 'b1']);
  t.same(rows.map(({ samples }) => samples), [[{ wallSeconds: 0 }, { wallSeconds: 1 }], [{ wallSeconds: 0 }, { wallSeconds: 1 }]]);
});

t.test('what fails or is missing is said', async (t) => {
  const said: string[] = [];
  const { rows } = await runTable('', [
    { name: 'breaks', role: 'peer', run: (round) => { if (round === 1) throw new Error('no disk'); return { wallSeconds: 1 }; } },
    { name: 'absent', role: 'peer', needs: 'zsync', run: () => t.fail('must not run') as never },
    { name: 'works', run: () => ({ wallSeconds: 1 }) },
  ], {}, hooks({ isInstalled: (name) => name !== 'zsync', say: (line) => said.push(line) }));
  t.match(rows, [{ samples: [], problem: 'failed: no disk' }, { samples: [], problem: 'not installed' }, { samples: { length: 3 }, problem: undefined }]);
  t.match(said, [/breaks failed: no disk/]);
});

t.test('a stop ends the table', async (t) => {
  const stop = new AbortController();
  const contenders = [{ name: 'a', run: () => { stop.abort(new Error('enough')); throw new Error('killed'); } }];
  await t.rejects(runTable('', contenders, {}, hooks({ signal: stop.signal })), /enough/);
});
