/** Commands are measured, and nothing of them is left running. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { findPeer } from '../../../benchmarks/runner/peers.ts';
import { obstacle } from '../../../benchmarks/runner/suite.ts';
import { measureChild, measureHere, ProcessUsage } from '../../../benchmarks/runner/usage.ts';

const options = { signal: new AbortController().signal, timeoutMs: 60_000 };

/** A shell that notes the id of a grandchild which would outlive it. */
function lingering(dir: string): { args: string[]; isAlive: () => boolean } {
  const pidFile = join(dir, 'pid');
  const isAlive = (): boolean => {
    const status = `/proc/${readFileSync(pidFile, 'utf8').trim()}/stat`;
    // A zombie has ended, whoever will fetch it.
    return existsSync(status) && !/\) Z /.test(readFileSync(status, 'latin1'));
  };
  return { args: ['-c', 'sleep 600 & echo $! > "$1"; wait', 'sh', pidFile], isAlive };
}

t.test('a command has output, wall time, CPU time and peak memory', async (t) => {
  const { sample, stdout } = await measureChild(process.execPath, ['-e', 'const until = process.cpuUsage().user + 50_000; while (process.cpuUsage().user < until); console.log("done")'], options);
  t.equal(stdout, 'done\n');
  t.ok((sample['cpuSeconds'] ?? 0) >= 0.05, 'CPU seconds of the child');
  t.ok((sample['peakRssBytes'] ?? 0) > 10e6, 'node takes more than 10 MB', { skip: findPeer('time') === undefined ? 'GNU time is not installed: peak memory is not known' : false });
});

t.test('a failure says which, with the last words', async (t) => {
  await t.rejects(measureChild('sh', ['-c', 'echo no such thing >&2; exit 3'], options), /sh ended with 3: no such thing/);
  await t.rejects(measureChild('sh', ['-c', 'exit 1'], options), /ended with 1/);
});

t.test('the whole process group ends with a timeout and with a cancel', async (t) => {
  const late = lingering(t.testdir());
  await t.rejects(measureChild('sh', late.args, { ...options, timeoutMs: 1000 }), /a timeout of 1 s/);
  t.notOk(late.isAlive());

  const cancelled = lingering(t.testdir());
  await t.rejects(measureChild('sh', cancelled.args, { ...options, signal: AbortSignal.timeout(1000) }), /timeout|aborted/i);
  t.notOk(cancelled.isAlive());
});

t.test('work here adds its own metrics', async (t) => {
  t.match(await measureHere(() => ({ nodeCount: 3 })), { wallSeconds: Number, cpuSeconds: Number, nodeCount: 3 });
});

t.test('a process that runs has CPU time and peak memory', { skip: process.platform === 'linux' ? false : 'needs /proc' }, async (t) => {
  const usage = new ProcessUsage(process.pid);
  const until = process.cpuUsage().user + 50_000;
  while (process.cpuUsage().user < until);
  const { cpuSeconds = 0, peakRssBytes = 0 } = usage.sample();
  t.ok(cpuSeconds > 0.025, 'what it spent since, less up to a tick of 10 ms of user and of system time');
  t.ok(peakRssBytes >= process.memoryUsage.rss() / 2, 'bytes, not pages or KiB');
});

t.test('a benchmark that the disk is too small for is refused politely', async (t) => {
  const benchmark = { name: 'huge', question: '?', diskBytes: 1e18, run: async () => undefined };
  t.match(obstacle(benchmark, 'full', t.testdir()), /huge needs 1000000000\.0 GB free/);
});
