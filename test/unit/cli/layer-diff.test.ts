/** `layer diff` against a core that listens on loopback: two captured trees. */
import { chmodSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { mixedBytes } from '../../e2e/sample-tree.ts';
import { startTestCore } from '../../doubles/test-core.ts';
import { publishApp, runBranchcast } from './run-branchcast.ts';

const dir = t.testdir({ core: {}, tree: { keep: 'kept', lib: {}, big: '' } });
const core = await startTestCore(join(dir, 'core'));
t.teardown(() => core.close());
const tree = join(dir, 'tree');

mkdirSync(join(tree, 'docs'));
for (let file = 0; file < 30; file += 1) writeFileSync(join(tree, 'lib', `module${file}.js`), mixedBytes(file + 1, 3000 + file));
for (let file = 0; file < 5; file += 1) writeFileSync(join(tree, 'docs', `page${file}`), mixedBytes(file + 99, 2000 + file));
writeFileSync(join(tree, 'big'), mixedBytes(7, 3 << 20));
await publishApp(tree, '1', core.url);

renameSync(join(tree, 'lib'), join(tree, 'src'));
writeFileSync(join(tree, 'src', 'module7.js'), 'edited');
renameSync(join(tree, 'docs', 'page1'), join(tree, 'page-one'));
renameSync(join(tree, 'big'), join(tree, 'large'));
rmSync(join(tree, 'docs', 'page2'));
chmodSync(join(tree, 'keep'), 0o600);
await publishApp(tree, '2', core.url);

await t.test('renames are found, also of small files in new bundles', async (t) => {
  const { exitCode, stdout } = await runBranchcast(['layer', 'diff', 'app@1', 'app@2', '--json', '--core', core.url]);
  t.equal(exitCode, 0);
  const found = JSON.parse(stdout) as { differences: { change: string; path: string; from?: string }[]; counts: object; newChunkCount: number; newChunkBytes: number; newStoredBytes: number };
  t.match(found.counts, { added: 1, removed: 2, changed: 0, renamed: 32, metadata: 3 });
  t.match(found.differences.filter(({ change }) => change !== 'renamed').map(({ change, path }) => `${change} ${path}`), ['changed .', 'changed docs', 'removed docs/page2', 'changed keep', 'removed lib/module7.js', 'added src/module7.js']);
  t.match(found.differences.find(({ path }) => path === 'src/module12.js'), { change: 'renamed', from: 'lib/module12.js' }, 'each file of a moved directory');
  t.ok(found.newChunkBytes > 0 && found.newChunkBytes < 300_000, 'the large file is there already');
  t.ok(found.newStoredBytes > 0 && found.newStoredBytes < found.newChunkBytes, `${found.newStoredBytes} stored of ${found.newChunkBytes}`);
});

await t.test('the list has a line for a directory that moved', async (t) => {
  const { stdout } = await runBranchcast(['layer', 'diff', 'app@1', 'app@2', '--core', core.url]);
  const lines = stdout.split('\n');
  t.ok(lines.includes('> big -> large  3.0 MiB'));
  t.ok(lines.includes('> docs/page1 -> page-one  2.0 KiB'));
  t.ok(lines.some((line) => line.startsWith('> lib/ -> src/  29 files, ')));
  t.notOk(lines.some((line) => line.includes('module12')));
});

await t.test('by directory', async (t) => {
  const { stdout } = await runBranchcast(['layer', 'diff', 'app@1', 'app@2', '--by-directory', '--core', core.url]);
  t.match(stdout, /^DIRECTORY .*\n\. .*\ndocs .*\nlib .*\nsrc +1 +0 +0 +30 /);
  t.match(await runBranchcast(['layer', 'diff', 'app@1', 'app@2', '--stat', '--core', core.url]), { exitCode: 0, stdout: / src +\| 31 .*\+>+\n/ });
  t.match(await runBranchcast(['layer', 'diff', 'app@1', 'app@2', '--by-directory', '0', '--core', core.url]), { exitCode: 2 });
});

await t.test('nothing differs', async (t) => {
  t.match(await runBranchcast(['layer', 'diff', 'app@1', 'app@1', '--core', core.url]), { exitCode: 0, stdout: /^0 added, .*\nto move: 0 chunks, 0 B/ });
});
