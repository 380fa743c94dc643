/** Which program scripts/branchcast starts: the bundle, unless a source is newer. */
import { execFileSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdirSync, rmSync, symlinkSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';

const LAUNCHER = new URL('../../../scripts/branchcast', import.meta.url);
const BUILT_AT = 1_800_000_000;

/** A project that says which of its two programs ran. */
function project(t: Test): string {
  const root = t.testdir({
    scripts: {},
    src: { cli: { 'run.ts': '' }, 'main.ts': "process.stdout.write('sources')" },
    dist: { 'main.js': "process.stdout.write('bundle')" },
    'package.json': '{"type":"module"}',
    'package-lock.json': '{}',
  });
  copyFileSync(LAUNCHER, join(root, 'scripts/branchcast'));
  chmodSync(join(root, 'scripts/branchcast'), 0o755);
  mkdirSync(join(root, 'node_modules/.bin'), { recursive: true });
  symlinkSync(process.execPath, join(root, 'node_modules/.bin/node'));
  for (const path of ['src', 'src/cli', 'src/cli/run.ts', 'src/main.ts', 'package.json', 'package-lock.json']) utimesSync(join(root, path), BUILT_AT - 60, BUILT_AT - 60);
  utimesSync(join(root, 'dist/main.js'), BUILT_AT, BUILT_AT);
  return root;
}

const started = (root: string): string => execFileSync(join(root, 'scripts/branchcast'), { encoding: 'utf8' });

t.test('the bundle is run while it is the newest', (t) => {
  t.equal(started(project(t)), 'bundle');
  t.end();
});

for (const changed of ['src/cli/run.ts', 'src/cli', 'package.json', 'package-lock.json']) {
  t.test(`the sources are run when ${changed} was changed after the bundle`, (t) => {
    const root = project(t);
    utimesSync(join(root, changed), BUILT_AT + 60, BUILT_AT + 60);
    t.equal(started(root), 'sources');
    t.end();
  });
}

t.test('either is run when there is no other', (t) => {
  const unbuilt = project(t);
  rmSync(join(unbuilt, 'dist'), { recursive: true });
  t.equal(started(unbuilt), 'sources');
  const released = project(t);
  rmSync(join(released, 'src'), { recursive: true });
  t.equal(started(released), 'bundle');
  t.end();
});
