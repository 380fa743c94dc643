/** A tree goes with all that is in it, and nothing else does. */
import { chmodSync, existsSync, linkSync, lstatSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { InodeWorkers } from '../../../src/image/inode-workers.ts';
import { removeTree } from '../../../src/image/remove-tree.ts';
import { scratchDirectory } from './scratch.ts';
import { directory, file, makeTree } from './tree-spec.ts';

const remove = (path: string): Promise<void> => removeTree(Buffer.from(path), new InodeWorkers());

void t.test('files with names elsewhere, with further names inside, and with none', async (t) => {
  const base = scratchDirectory(t);
  const tree = join(base, 'tree');
  const inside = directory({ a: file('a'), b: { type: 'hardlink', to: 'sub/a' }, c: { type: 'hardlink', to: 'sub/a' }, deep: directory({ d: file('d'), e: file('') }, { mode: 0o555 }) });
  makeTree(tree, directory({ sub: inside, kept: file('kept'), 'not\xff': file('bytes'), pipe: { type: 'fifo' }, empty: directory({}) }, { mode: 0o555 }));
  linkSync(join(tree, 'kept'), join(base, 'kept'));
  linkSync(join(tree, 'sub', 'deep', 'd'), join(base, 'd'));
  await remove(tree);
  t.notOk(existsSync(tree));
  t.same([readFileSync(join(base, 'kept'), 'utf8'), readFileSync(join(base, 'd'), 'utf8')], ['kept', 'd']);
  t.equal(lstatSync(join(base, 'kept')).nlink, 1);
  await remove(tree);
});

void t.test('links are not followed', async (t) => {
  const base = scratchDirectory(t);
  const tree = join(base, 'tree');
  makeTree(join(base, 'outside'), directory({ f: file('f') }));
  makeTree(tree, directory({ link: { type: 'symlink', target: '../outside' } }));
  linkSync(join(tree, 'link'), join(tree, 'again'));
  await remove(tree);
  t.equal(readFileSync(join(base, 'outside', 'f'), 'utf8'), 'f');
  symlinkSync('outside', tree);
  await remove(tree);
  t.ok(existsSync(join(base, 'outside', 'f')));
  writeFileSync(tree, 'a file');
  chmodSync(tree, 0);
  await remove(tree);
  t.notOk(existsSync(tree));
});

void t.test('many files, more than are removed at once', async (t) => {
  const base = scratchDirectory(t);
  const tree = join(base, 'tree');
  makeTree(tree, directory(Object.fromEntries(Array.from({ length: 200 }, (_, at) => [`f${at}`, file(String(at))]))));
  for (let at = 0; at < 200; at += 3) linkSync(join(tree, `f${at}`), join(base, `f${at}`));
  await remove(tree);
  t.notOk(existsSync(tree));
  t.equal(readFileSync(join(base, 'f3'), 'utf8'), '3');
});
