/** Looks in key order see what lstat sees by each path. */
import { lstatSync, mkdirSync, readdirSync, renameSync, rmSync, symlinkSync, writeFileSync, type BigIntStats } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { LOOKS_DIRECTORIES_MAX } from '../../../src/base/limits/trees.ts';
import type { PathKey } from '../../../src/manifest/entry.ts';
import { displayPath } from '../../../src/manifest/key.ts';
import type { InodeStamp } from '../../../src/image/inode-metadata.ts';
import { pathBelow } from '../../../src/image/key-path.ts';
import { OrderedLooks } from '../../../src/image/ordered-looks.ts';
import { listTree } from '../../../src/image/walk.ts';
import { runScript } from './as-user.ts';
import { makeSocket } from './make-socket.ts';
import { directory, file, makeTree } from './tree-spec.ts';

function keysOf(dir: string): PathKey[] {
  return Array.from(listTree(Buffer.from(dir)), ({ key }) => key);
}

function fields({ dev, ino, size, mtimeNs, ctimeNs, mode }: InodeStamp | BigIntStats): unknown {
  return { dev, ino, size, mtimeNs, ctimeNs, mode };
}

/** Each entry as it is seen; throws unless lstat sees the same. */
function compareAll(dir: string, keys: readonly PathKey[], byPathMax: number): number {
  const looks = new OrderedLooks(Buffer.from(dir), byPathMax);
  let seenCount = 0;
  try {
    for (const key of keys) {
      const [stamp, stat] = [looks.at(key), lstatSync(pathBelow(Buffer.from(dir), key), { bigint: true, throwIfNoEntry: false })];
      if (stamp !== undefined) seenCount += 1;
      const [seen, real] = [stamp, stat].map((one) => (one === undefined ? undefined : fields(one)));
      t.strictSame(seen, real, displayPath(key));
    }
  } finally {
    looks.close();
  }
  return seenCount;
}

const openCount = (): number => readdirSync('/proc/self/fd').length;
const deep = Array.from({ length: LOOKS_DIRECTORIES_MAX + 10 }, () => 'd').join('/');

async function makeMixedTree(dir: string): Promise<void> {
  makeTree(dir, directory({ a: directory({ b: directory({ c: file('c') }), x: file('xx'), link: { type: 'symlink', target: 'x' } }), 'a.txt': file('txt'), z: directory({}), zz: file('last') }));
  mkdirSync(join(dir, deep), { recursive: true });
  for (const name of ['first', 'second']) writeFileSync(join(dir, deep, name), name);
  writeFileSync(join(dir, 'd', 'after all of them'), 'x');
  writeFileSync(Buffer.concat([Buffer.from(`${dir}/a/`), Buffer.of(0xff, 0xfe)]), 'no UTF-8');
  await makeSocket(join(dir, 'socket'));
}

void t.test('as lstat sees it, by names and by paths, and nothing is left open', async (t) => {
  const dir = join(t.testdir(), 'tree');
  await makeMixedTree(dir);
  const keys = keysOf(dir);
  const before = openCount();
  for (const byPathMax of [0, 5, Infinity]) t.equal(compareAll(dir, keys, byPathMax), keys.length);
  t.equal(openCount(), before);
});

void t.test('what has gone, and what stands in a directory that is another by now', async (t) => {
  const dir = join(t.testdir(), 'tree');
  await makeMixedTree(dir);
  const keys = keysOf(dir);
  rmSync(join(dir, 'a', 'x'));
  rmSync(join(dir, 'z'), { recursive: true });
  renameSync(join(dir, 'a', 'b'), join(dir, 'elsewhere'));
  symlinkSync('../elsewhere', join(dir, 'a', 'b'));
  t.equal(compareAll(dir, keys, 0), keys.length - 2);
});

void t.test('without system calls of its own', (t) => {
  const dir = join(t.testdir(), 'tree');
  makeTree(dir, directory({ a: directory({ b: file('four') }) }));
  const script = `import { OrderedLooks } from '#src/image/ordered-looks.ts';\nconst looks = new OrderedLooks(Buffer.from(${JSON.stringify(dir)}), 0);\nconsole.log([looks.at(Buffer.from('a\\0b')).size, looks.at(Buffer.from('b'))].join());\nlooks.close();`;
  for (const native of [false, true]) t.equal(runScript(script, { native }), '4,');
  t.end();
});
