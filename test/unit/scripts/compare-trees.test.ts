/** The comparison that judges the product must itself see every kind of difference. */
import { chmodSync, cpSync, linkSync, lstatSync, lutimesSync, mkdirSync, renameSync, rmSync, symlinkSync, unlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { differences, fingerprintTree } from '../../../scripts/compare-trees.ts';
import { makeSecondVersion } from '../../../scripts/quickstart-parts/second-version.ts';

const TIME = 1_700_000_000;

function makeTree(root: string): void {
  mkdirSync(join(root, 'dir/inner'), { recursive: true });
  writeFileSync(join(root, 'dir/a'), 'content of a');
  writeFileSync(join(root, 'dir/b'), 'content of b, longer');
  writeFileSync(join(root, 'empty'), '');
  linkSync(join(root, 'dir/a'), join(root, 'linked'));
  symlinkSync('dir/a', join(root, 'link'));
  writeFileSync(Buffer.concat([Buffer.from(`${root}/`), Buffer.from([0x66, 0xff, 0xfe])]), 'a name that is not UTF-8');
  setTimes(root);
}

function setTimes(root: string): void {
  for (const name of ['dir/a', 'dir/b', 'empty', 'link', 'dir/inner', 'dir', '']) lutimesSync(join(root, name), TIME, TIME);
  lutimesSync(Buffer.concat([Buffer.from(`${root}/`), Buffer.from([0x66, 0xff, 0xfe])]), TIME, TIME);
}

async function compareAfter(dir: string, edit: (root: string) => void): Promise<string[]> {
  const [a, b] = [join(dir, 'a'), join(dir, 'b')];
  for (const root of [a, b]) {
    rmSync(root, { recursive: true, force: true });
    makeTree(root);
  }
  edit(b);
  return differences(await fingerprintTree(a), await fingerprintTree(b));
}

await t.test('the same tree', async (t) => {
  t.strictSame(await compareAfter(t.testdir(), () => undefined), []);
});

const edits: Readonly<Record<string, (root: string) => void>> = {
  'a byte': (root) => writeFileSync(join(root, 'dir/b'), 'content of B, longer'),
  'a length': (root) => writeFileSync(join(root, 'empty'), 'x'),
  'a missing file': (root) => rmSync(join(root, 'dir/b')),
  'one more file': (root) => writeFileSync(join(root, 'more'), ''),
  'another name': (root) => renameSync(join(root, 'empty'), join(root, 'Empty')),
  'a mode': (root) => chmodSync(join(root, 'dir/b'), 0o600),
  'setuid': (root) => chmodSync(join(root, 'dir/b'), 0o4755),
  'the mode of a directory': (root) => chmodSync(join(root, 'dir/inner'), 0o700),
  'the time of a file': (root) => utimesSync(join(root, 'dir/b'), TIME, TIME + 1),
  'the time of a link': (root) => lutimesSync(join(root, 'link'), TIME, TIME + 1),
  'where a link points': (root) => {
    unlinkSync(join(root, 'link'));
    symlinkSync('dir/b', join(root, 'link'));
  },
  'a file in place of a link': (root) => {
    unlinkSync(join(root, 'link'));
    cpSync(join(root, 'dir/a'), join(root, 'link'));
  },
  'a copy in place of a hard link': (root) => {
    unlinkSync(join(root, 'linked'));
    cpSync(join(root, 'dir/a'), join(root, 'linked'));
    chmodSync(join(root, 'linked'), lstatSync(join(root, 'dir/a')).mode);
  },
  'a directory in place of a file': (root) => {
    rmSync(join(root, 'empty'));
    mkdirSync(join(root, 'empty'));
  },
};
await t.test('every kind of difference is seen', async (t) => {
  for (const [name, edit] of Object.entries(edits)) {
    const found = await compareAfter(t.testdir(), (root) => {
      edit(root);
      // The edit's traces on directories are not what is to be seen.
      for (const directory of ['dir', '']) utimesSync(join(root, directory), TIME, TIME);
      if (!name.includes('time')) for (const file of ['dir/b', 'link']) if (lstatSync(join(root, file), { throwIfNoEntry: false }) !== undefined) lutimesSync(join(root, file), TIME, TIME);
    });
    t.ok(found.length > 0, name);
  }
});

await t.test('the second version of the quickstart differs by its four edits and nothing else', async (t) => {
  const dir = t.testdir();
  const [tree, copy] = [join(dir, 'tree'), join(dir, 'copy')];
  makeTree(tree);
  writeFileSync(join(tree, 'large'), Buffer.alloc(300_000, 'abcdefgh'));
  const edits = await makeSecondVersion(tree, copy, new AbortController().signal);
  t.match(edits, { changed: 'large', added: 'added-by-quickstart.txt', removed: 'empty' });
  const found = differences(await fingerprintTree(tree), await fingerprintTree(copy));
  const paths = found.map((line) => line.split(':')[0]).filter((path) => path !== '.' && path !== 'dir');
  t.strictSame(new Set(paths), new Set([edits.added, 'empty', 'large', edits.renamed, `${edits.renamed}.renamed`]));
});
