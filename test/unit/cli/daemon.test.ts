/** How a daemon starts, says that it serves, and ends. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import t from 'tap';

const LAUNCHER = fileURLToPath(new URL('../../../scripts/branchcast', import.meta.url));
const READY_DEADLINE_MS = 30_000;

interface Started {
  readonly child: ChildProcess;
  readonly stderr: Promise<string>;
  readonly exit: Promise<[number | null, NodeJS.Signals | null]>;
}

function start(dir: string, readyFile: string, settings: readonly string[] = []): Started {
  const args = ['core', 'start', '--ready-file', readyFile, '--set', `dataDir=${join(dir, 'core')}`, '--set', 'listen=127.0.0.1:0', ...settings.flatMap((setting) => ['--set', setting])];
  const child = spawn(LAUNCHER, args, { stdio: ['ignore', 'ignore', 'pipe'] });
  return { child, stderr: text(child.stderr), exit: once(child, 'exit') as Promise<[number | null, NodeJS.Signals | null]> };
}

async function ready(path: string): Promise<{ pid: number; api: string; lan: string[] }> {
  for (const untilMs = Date.now() + READY_DEADLINE_MS; Date.now() < untilMs; ) {
    if (existsSync(path)) return JSON.parse(readFileSync(path, 'utf8')) as { pid: number; api: string; lan: string[] };
    await pause(20);
  }
  throw new Error('the daemon was not ready in time');
}

await t.test('a daemon tells where it serves, and a signal ends it well', async (t) => {
  const dir = t.testdir({});
  const first = start(dir, join(dir, 'ready'));
  t.teardown(() => first.child.kill('SIGKILL'));
  const told = await ready(join(dir, 'ready'));
  t.equal(told.pid, first.child.pid, 'the launcher has replaced itself');
  const health = await fetch(`${told.api}/v1/health`);
  t.match(await health.json(), { ok: true, role: 'core' });

  const second = start(dir, join(dir, 'ready-of-second'));
  t.strictSame(await second.exit, [1, null], 'a second one on the same directory is refused');
  t.match(await second.stderr, /error BC_STORE_LOCKED: /);
  t.notOk(existsSync(join(dir, 'ready-of-second')));

  first.child.kill('SIGTERM');
  t.strictSame(await first.exit, [0, null]);
  const lines = (await first.stderr).trim().split('\n').map((line) => JSON.parse(line) as { msg: string; role: string });
  t.ok(lines.some(({ msg, role }) => msg === 'ready' && role === 'core'));
  t.ok(lines.some(({ msg }) => /the network is believed/.test(msg)), 'it says what it does not check');
  t.equal(lines.at(-1)?.msg, 'stopped');
});

await t.test('wrong settings end it before it begins', async (t) => {
  const dir = t.testdir({});
  const wrong = start(dir, join(dir, 'ready'), ['lisen=1', 'logLevel=loud']);
  t.strictSame(await wrong.exit, [2, null]);
  t.match(await wrong.stderr, /error BC_CONFIG_INVALID: flag --lisen: unknown key \(did you mean "listen"\?\)\nflag --log-level: logLevel: expected one of trace/);
  const malformed = start(dir, join(dir, 'ready'), ['listen']);
  t.strictSame(await malformed.exit, [2, null]);
  t.match(await malformed.stderr, /error BC_USAGE: --set listen: write it as --set key=value/);
});
