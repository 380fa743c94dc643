import { chmodSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import t from 'tap';
import { addressChecks, checkClock, checkCore, checkDataDir, checkNative, checkNode, checkTrust } from '../../../src/cli/doctor-checks.ts';

async function listening(t: { teardown(run: () => void): void }, handler: Parameters<typeof createServer>[1] = (_request, response) => response.end('{}')): Promise<number> {
  const server = createServer(handler);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => server.close());
  return (server.address() as AddressInfo).port;
}

await t.test('this machine', async (t) => {
  t.equal(checkNode().status, 'ok');
  for (const check of await checkNative()) t.not(check.status, 'fail', check.name);
});

await t.test('addresses', async (t) => {
  const port = await listening(t);
  const [taken, free, foreign] = await addressChecks([`127.0.0.1 ${port}`, '127.0.0.1 0', '203.0.113.7 7400']);
  t.match(taken, { status: 'warn', message: 'in use' });
  t.match(free, { status: 'ok' });
  t.match(foreign, { status: 'fail' });
});

await t.test('data directory', async (t) => {
  const dir = t.testdir({ there: {}, file: 'x' });
  t.equal((await checkDataDir(join(dir, 'there/not/yet'))).status === 'fail', false);
  if (process.getuid?.() === 0) return;
  chmodSync(join(dir, 'there'), 0o500);
  t.equal((await checkDataDir(join(dir, 'there'))).status, 'fail');
});

await t.test('core and clock', async (t) => {
  const { signal } = new AbortController();
  const port = await listening(t);
  t.match(await checkCore(`http://127.0.0.1:${port}`, signal), [{ status: 'ok' }, { name: 'clock', status: 'ok' }]);
  const other = await listening(t, (_request, response) => response.writeHead(404).end());
  t.match(await checkCore(`http://127.0.0.1:${other}`, signal), [{ status: 'fail' }]);
  t.match(await checkCore('http://127.0.0.1:9', signal), [{ status: 'warn' }]);

  const nowMs = Date.parse('Tue, 03 Nov 2026 10:00:00 GMT');
  t.match(checkClock('Tue, 03 Nov 2026 10:00:01 GMT', nowMs), { status: 'ok', message: /behind/ });
  t.match(checkClock('Tue, 03 Nov 2026 09:00:00 GMT', nowMs), { status: 'warn', message: /1 h 0 min ahead/ });
  t.match(checkClock('', nowMs), { status: 'warn' });
});

await t.test('trust is always said, and where it is open', async (t) => {
  t.match(checkTrust(['127.0.0.1 7400', '::1 7400']), { status: 'warn' });
  t.notMatch(checkTrust(['127.0.0.1 7400']).message, /beyond loopback/);
  t.match(checkTrust(['0.0.0.0 7400']).message, /beyond loopback: 0\.0\.0\.0:7400/);
});
