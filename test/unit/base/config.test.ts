import { join } from 'node:path';
import t from 'tap';
import { defineConfig, envName, flagName, formatHostPort, loadConfig, setting, type ConfigValues } from '../../../src/base/config.ts';
import { BranchcastError } from '../../../src/base/errors.ts';
import { GiB, MiB } from '../../../src/base/units.ts';

const schema = defineConfig('agent', {
  dataDir: setting.path({ default: './data', doc: 'd' }),
  listen: setting.hostPort({ default: '127.0.0.1:7400', doc: 'd' }),
  cacheQuotaBytes: setting.bytes({ default: '200 GiB', min: '64 MiB', doc: 'd' }),
  pollIntervalMs: setting.duration({ default: '30 s', min: '1 s', max: '1 h', doc: 'd' }),
  coreUrl: setting.url({ optional: true, doc: 'd' }),
  reflectors: setting.list(setting.text({ doc: 'd' }), { default: [], doc: 'd' }),
  policy: setting.oneOf(['allow', 'never'], { default: 'allow', doc: 'd' }),
  prefetch: setting.flag({ default: true, doc: 'd' }),
  workers: setting.count({ default: 2, min: 1, max: 64, doc: 'd' }),
  assignments: setting.list(setting.record({ layer: setting.text({ doc: 'd' }), target: setting.path({ doc: 'd' }), keep: setting.count({ default: 1, doc: 'd' }) }), { default: [], doc: 'd' }),
});
const required = defineConfig('core', { site: setting.text({ doc: 'd' }) });

function problemsOf(load: () => unknown): string[] {
  try {
    load();
  } catch (error) {
    if (error instanceof BranchcastError && error.code === 'BC_CONFIG_INVALID') return error.message.split('\n');
    throw error;
  }
  return [];
}

await t.test('types follow the schema', async (t) => {
  const values: ConfigValues<typeof schema> = loadConfig(schema).values;
  const quota: number = values.cacheQuotaBytes;
  const url: string | undefined = values.coreUrl;
  const policy: 'allow' | 'never' = values.policy;
  const target: string | undefined = values.assignments[0]?.target;
  t.strictSame([quota, url, policy, target], [200 * GiB, undefined, 'allow', undefined]);
});

await t.test('defaults alone', async (t) => {
  const { values, origins, warnings } = loadConfig(schema);
  t.strictSame(values, {
    dataDir: join(process.cwd(), 'data'), listen: { host: '127.0.0.1', port: 7400 }, cacheQuotaBytes: 200 * GiB, pollIntervalMs: 30_000,
    coreUrl: undefined, reflectors: [], policy: 'allow', prefetch: true, workers: 2, assignments: [],
  });
  t.ok(Object.values(origins).every((origin) => origin === 'default'));
  t.equal(Object.keys(origins).length, Object.keys(schema.fields).length);
  t.strictSame(warnings, []);
});

await t.test('file, environment and flags override each other in this order', async (t) => {
  const dir = t.testdir({ 'agent.yaml': 'dataDir: a\nlisten: "[::1]:1"\ncacheQuotaBytes: 1 GiB\nworkers: 3\nprefetch: false\ncoreUrl: http://core:7400/\nassignments:\n  - layer: base/debian\n    target: debian\n' });
  const file = join(dir, 'agent.yaml');
  const { values, origins } = loadConfig(schema, { file, env: { BRANCHCAST_AGENT_WORKERS: '4', BRANCHCAST_AGENT_CACHE_QUOTA_BYTES: '128 MiB', BRANCHCAST_AGENT_REFLECTORS: 'a, b', BRANCHCAST_AGENT_POLICY: '' }, overrides: { workers: '5', dataDir: 'here', policy: undefined } });
  t.equal(values.workers, 5);
  t.equal(values.cacheQuotaBytes, 128 * MiB);
  t.equal(values.dataDir, join(process.cwd(), 'here'), 'a flag resolves against the working directory');
  t.strictSame(values.listen, { host: '::1', port: 1 });
  t.equal(formatHostPort(values.listen), '[::1]:1');
  t.equal(values.coreUrl, 'http://core:7400');
  t.strictSame(values.reflectors, ['a', 'b']);
  t.strictSame(values.assignments, [{ layer: 'base/debian', target: join(dir, 'debian'), keep: 1 }], 'the file resolves against its own folder');
  t.equal(values.policy, 'allow', 'an empty variable is not set');
  t.match(origins['workers'], 'flag --workers');
  t.equal(origins['cacheQuotaBytes'], 'env BRANCHCAST_AGENT_CACHE_QUOTA_BYTES');
  t.match(origins['listen'], /^file .*agent\.yaml:2$/);
  t.match(origins['assignments'], /agent\.yaml:7$/);
  t.equal(origins['policy'], 'default');
});

await t.test('every problem is named with file, line, key and what was expected', async (t) => {
  const dir = t.testdir({
    'bad.yaml': 'cacheQoutaBytes: 1 GiB\ncacheQuotaBytes: 1 MiB\npollIntervalMs: soon\nlisten: 7400\npolicy: maybe\nworkers: 1.5\nassignments:\n  - layer: x\n    target: y\n  - layer: z\n    tarqet: y\n',
  });
  const problems = problemsOf(() => loadConfig(schema, { file: join(dir, 'bad.yaml'), env: { BRANCHCAST_AGENT_PREFETCH: 'perhaps' }, overrides: { reflectors: 3 } }));
  const wanted = [
    /bad\.yaml:1: cacheQoutaBytes: unknown key \(did you mean "cacheQuotaBytes"\?\)/,
    /bad\.yaml:2: cacheQuotaBytes: expected a size such as "200 GiB", at least 64 MiB, got "1 MiB"/,
    /bad\.yaml:3: pollIntervalMs: expected a time such as "5 s", at least 1 s, at most 1 h, got "soon"/,
    /bad\.yaml:4: listen: expected an address .*, got 7400/,
    /bad\.yaml:5: policy: expected one of allow, never, got "maybe"/,
    /bad\.yaml:6: workers: expected a whole number, at least 1, at most 64, got 1\.5/,
    /bad\.yaml:11: assignments\[1\]\.tarqet: unknown key \(did you mean "target"\?\)/,
    /bad\.yaml:10: assignments\[1\]\.target: missing; expected a path/,
    /env BRANCHCAST_AGENT_PREFETCH: prefetch: expected true or false, got "perhaps"/,
    /flag --reflectors: reflectors: expected a list/,
  ];
  for (const pattern of wanted) t.ok(problems.some((problem) => pattern.test(problem)), String(pattern), { problems });
  t.equal(problems.length, wanted.length);
});

await t.test('files that are no configuration', async (t) => {
  const dir = t.testdir({ 'list.yaml': '- a\n', 'broken.yaml': 'a: [1\nb: 2\n', 'twice.yaml': 'workers: 1\nworkers: 2\n', 'empty.yaml': '# nothing\n', 'null.yaml': 'workers:\n', 'tall.yaml': `#${'x'.repeat(2 * MiB)}\n`,
    'bomb.yaml': `a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b]\nd: [*c,*c,*c,*c,*c,*c,*c]\n` });
  const load = (name: string) => problemsOf(() => loadConfig(schema, { file: join(dir, name) }));
  t.match(load('list.yaml'), [/list\.yaml:1: expected a map/]);
  t.match(load('broken.yaml')[0], /broken\.yaml:\d/);
  t.match(load('twice.yaml'), [/twice\.yaml:2: .*unique/]);
  t.match(load('absent.yaml'), [/absent\.yaml: cannot read the configuration file/]);
  t.match(load('tall.yaml'), [/larger than/]);
  t.ok(load('bomb.yaml').length > 0);
  t.strictSame(load('empty.yaml'), []);
  t.strictSame(load('null.yaml'), [], 'a key without a value is the default');
});

await t.test('a required key may come from anywhere, and is missed otherwise', async (t) => {
  const dir = t.testdir({ 'core.yaml': '# no site\n' });
  const file = join(dir, 'core.yaml');
  t.match(problemsOf(() => loadConfig(required, { file })), [/core\.yaml: site: missing; expected a text/]);
  t.equal(loadConfig(required, { file, env: { BRANCHCAST_CORE_SITE: 'paris' } }).values.site, 'paris');
  t.equal(loadConfig(required, { overrides: { site: 'rome' } }).values.site, 'rome');
  t.match(problemsOf(() => loadConfig(required, { overrides: { site: 'rome', sitte: 1 } })), [/flag --sitte: unknown key \(did you mean "site"\?\)/]);
});

await t.test('unknown variables warn; those of other roles and of the CLI do not', async (t) => {
  const { warnings } = loadConfig(schema, { env: { BRANCHCAST_AGENT_WORKRES: '4', BRANCHCAST_AGNET_WORKERS: '1', BRANCHCAST_CORE_LISTEN: 'x', BRANCHCAST_CORE_URL: 'http://x', HOME: '/' } });
  t.match(warnings, [/BRANCHCAST_AGENT_WORKRES .*did you mean "BRANCHCAST_AGENT_WORKERS"/, /BRANCHCAST_AGNET_WORKERS/]);
  t.equal(warnings.length, 2);
});

await t.test('names', async (t) => {
  t.equal(envName('reflector', 'cacheQuotaBytes'), 'BRANCHCAST_REFLECTOR_CACHE_QUOTA_BYTES');
  t.equal(flagName('coreUrl'), '--core-url');
});

await t.test('addresses and URLs', async (t) => {
  const only = defineConfig('core', { listen: setting.hostPort({ doc: 'd' }), url: setting.url({ optional: true, doc: 'd' }) });
  const problems = (listen: string, url?: string) => problemsOf(() => loadConfig(only, { overrides: { listen, url } })).length;
  for (const good of ['localhost:0', '0.0.0.0:65535', '[::]:1']) t.equal(problems(good), 0, good);
  for (const bad of ['localhost', ':1', 'a:65536', '::1:80', '[x]:1', 'a b:1']) t.equal(problems(bad), 1, bad);
  for (const bad of ['core:7400', 'ftp://x', 'http://x?a=1', 'nonsense']) t.equal(problems('a:1', bad), 1, bad);
});
