/** bench:compare sees what got worse, and not what the machine or the noise did. */
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import type { Row, Table } from '../../../benchmarks/runner/benchmark.ts';
import { compareResults } from '../../../benchmarks/runner/compare.ts';
import { parseResult, type Result } from '../../../benchmarks/runner/result.ts';

const machine = { cpu: 'a cpu', cores: 2, memoryBytes: 1, kernel: 'Linux', node: 'v24', blake3: 'native', peers: {} };

function result(rows: Readonly<Record<string, readonly Readonly<Record<string, number>>[]>>, changes: Partial<Result> = {}): Result {
  const table: Table = { title: 'one', ratioOf: 'wallSeconds', rows: Object.entries(rows).map(([name, samples]): Row => ({ name, role: name.startsWith('peer') ? 'peer' : 'product', samples })) };
  return { format: 1, name: 'bench', question: '?', size: 'full', commit: 'c', dirty: false, startedAt: '', seconds: 1, loadBefore: 0, loadAfter: 0, machine, tables: [table], verdicts: [], ...changes };
}

const times = (...seconds: number[]): { wallSeconds: number }[] => seconds.map((wallSeconds) => ({ wallSeconds }));
const verdicts = (before: Result, after: Result, bound = 0.1): string[] => compareResults(before, after, bound).changes.map(({ verdict }) => verdict);

t.test('worse, better, the same', async (t) => {
  t.same(verdicts(result({ ours: times(1, 1, 1) }), result({ ours: times(1.2, 1.2, 1.2) })), ['worse']);
  t.same(verdicts(result({ ours: times(1, 1, 1) }), result({ ours: times(1.05, 1.05, 1.05) })), ['same'], 'within the bound');
  t.same(verdicts(result({ ours: times(1, 1, 1) }), result({ ours: times(0.5, 0.5, 0.5) })), ['better']);
  t.same(verdicts(result({ ours: [{ mbPerSecond: 100 }] }), result({ ours: [{ mbPerSecond: 50 }] })), ['worse'], 'more is better of a rate');
  t.same(verdicts(result({ ours: [{ fileCount: 1 }] }), result({ ours: [{ fileCount: 9 }] })), [], 'a count only describes');
});

t.test('something where there was nothing', async (t) => {
  const uploaded = (uploadedBytes: number): Result => result({ ours: [{ uploadedBytes }, { uploadedBytes }] });
  t.same(verdicts(uploaded(0), uploaded(1)), ['worse']);
  t.same(verdicts(uploaded(0), uploaded(0)), ['same']);
  t.same(verdicts(uploaded(5), uploaded(0)), ['better']);
});

t.test('noise is no change', async (t) => {
  t.same(verdicts(result({ ours: times(0.8, 1, 1.2) }), result({ ours: times(1, 1.25, 1.5) })), ['same']);
  t.same(verdicts(result({ ours: times(0.8, 1, 1.2) }), result({ ours: times(1.8, 2, 2.2) })), ['worse']);
});

t.test('a busy machine slows the peers too', async (t) => {
  const before = result({ ours: [{ wallSeconds: 1, storedBytes: 100 }], peer: times(2) });
  const [wall, stored] = compareResults(before, result({ ours: [{ wallSeconds: 2, storedBytes: 120 }], peer: times(4) }), 0.1).changes;
  t.match(wall, { metric: 'wallSeconds', worse: 1, verdict: 'same' });
  t.match(stored, { metric: 'storedBytes', worse: 1.2, verdict: 'worse' }, 'bytes are no matter of load');
});

t.test('peers that scatter prove nothing about the machine', async (t) => {
  const before = result({ ours: times(1, 1, 1), peer: times(1, 2, 3) });
  t.match(compareResults(before, result({ ours: times(1.5, 1.5, 1.5), peer: times(1, 2, 3) }), 0.1).changes, [{ worse: 1.5, noise: 1, verdict: 'same' }]);
});

t.test('only like is compared with like', async (t) => {
  const one = result({ ours: times(1) });
  t.match(compareResults(result({ ours: times(1) }, { size: 'small' }), one, 0.1), { changes: [], notes: [/small size/] });
  t.match(compareResults(result({ ours: times(1) }, { machine: { ...machine, cpu: 'another' } }), one, 0.1).notes, [/different machines/]);
  t.match(compareResults(result({}, { tables: [] }), one, 0.1), { changes: [], notes: [/is new/] });
  t.same(verdicts(result({ gone: times(1) }), one), [], 'a new row has nothing to be compared with');
  t.match(compareResults(one, result({ ours: [] }), 0.1), { changes: [], notes: [/one: ours: has no figures any more/] }, 'a row that failed is said');
  t.throws(() => parseResult('{"format":0}', 'a file'), /a file is not a benchmark/);
});

t.test('the exit code says whether something got worse, or that nothing could be compared', async (t) => {
  const dir = t.testdir();
  const file = (name: string, content: Result): string => {
    writeFileSync(join(dir, name), JSON.stringify(content));
    return join(dir, name);
  };
  const run = (...args: string[]) => spawnSync(process.execPath, [join(import.meta.dirname, '../../../benchmarks/compare.ts'), ...args], { encoding: 'utf8' });
  const [one, slower, small] = [file('one', result({ ours: times(1) })), file('slower', result({ ours: times(2) })), file('small', result({ ours: times(1) }, { size: 'small' }))];
  t.match(run(one, one), { status: 0, stdout: /1 figures: 0 worse/ });
  t.match(run(one, slower), { status: 1, stdout: /^worse .*x2\.00 worse/ });
  const [none, some] = [file('none', result({ ours: [{ uploadedBytes: 0 }] })), file('some', result({ ours: [{ uploadedBytes: 9 }] }))];
  t.match(run(none, some), { status: 1, stdout: /^worse .*nothing before: worse/ });
  t.match(run(some, none), { status: 0, stdout: /nothing any more: better/ });
  t.match(run(one, small), { status: 2, stdout: /^note .* full size.* small size/, stderr: /could be compared/ });
  t.match(JSON.parse(run(one, small, '--json').stdout), { changes: [], notes: [/size/] });
});
