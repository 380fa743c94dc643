import t from 'tap';
import { PLAN_ENDPOINT_NAME_CHARS_MAX, PLAN_ENDPOINTS_MAX } from '../../../src/base/limits/commands.ts';
import { HAVE_ROOTS_MAX } from '../../../src/base/limits/wan.ts';
import { parseEndpoints, readEndpoints } from '../../../src/cli/endpoint-list.ts';

void t.test('a line an endpoint', (t) => {
  const text = '# the branch\npc-1 base/debian@12.7\r\n\r  pc-2\tbase/debian@12.7  app/editor@3 # in the hall\u2028 and more\npc-3\n\ufeffpc#4 a@1';
  t.same(parseEndpoints(text, 'branch.txt'), [
    { name: 'pc-1', have: ['base/debian@12.7'] },
    { name: 'pc-2', have: ['base/debian@12.7', 'app/editor@3'] },
    { name: 'pc-3', have: [] },
    { name: 'pc#4', have: ['a@1'] },
  ]);
  t.end();
});

void t.test('what is refused says where', (t) => {
  const refuse = (text: string, message: RegExp): void => void t.throws(() => parseEndpoints(text, 'branch.txt'), { code: 'BC_USAGE', message });
  refuse('', /branch\.txt names no endpoint/);
  refuse('# nobody\n', /names no endpoint/);
  refuse('pc-1\npc-2\n\npc-1 a@1', /branch\.txt, line 4: pc-1 stands in line 1 already/);
  refuse(`${'x'.repeat(PLAN_ENDPOINT_NAME_CHARS_MAX + 1)} a@1`, /line 1: the name of an endpoint/);
  refuse('pc\u001b[31m a@1', /line 1: the name of an endpoint/);
  refuse('pc\u202e1 a@1', /line 1: the name of an endpoint/);
  refuse(`pc-1 ${'a@1 '.repeat(HAVE_ROOTS_MAX + 1)}`, /line 1: pc-1 has 17 layers; at most 16/);
  refuse(Array.from({ length: PLAN_ENDPOINTS_MAX + 1 }, (_, index) => `pc-${index}`).join('\n'), /more than 100000 endpoints/);
  t.end();
});

void t.test('a file', async (t) => {
  const dir = t.testdir({ 'branch.txt': 'pc-1 a@1\n' });
  t.same(await readEndpoints(`${dir}/branch.txt`, AbortSignal.timeout(60_000)), [{ name: 'pc-1', have: ['a@1'] }]);
  await t.rejects(readEndpoints(`${dir}/nothing`, AbortSignal.timeout(60_000)), { code: 'BC_USAGE', message: /cannot read .*nothing/ });
  await t.rejects(readEndpoints(`${dir}/branch.txt`, AbortSignal.abort(new Error('enough'))), /enough/);
});
