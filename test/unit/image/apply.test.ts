/** What an update costs, and what it must leave right: by root, by others, with and without native calls. */
import { chmodSync, chownSync, lstatSync, mkdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { makeDevice, posixSupport } from '../../../src/image/posix.ts';
import { verifyTree } from '../../../src/image/verify-tree.ts';
import { runScript } from './as-user.ts';
import { apply, capture, type MemoryLayer } from './layer-in-memory.ts';
import { scratchDirectory } from './scratch.ts';
import { directory, file, makeTree, noise, type DirectorySpec } from './tree-spec.ts';

const isRoot = process.getuid?.() === 0;
const onlyRoot = { skip: isRoot ? false : 'only root can be somebody else' };

async function update(t: Test, base: string, from: DirectorySpec, to: DirectorySpec): Promise<{ v1: MemoryLayer; v2: MemoryLayer; dir: string; fetchedBytes: number; seededBytes: number }> {
  makeTree(join(base, 'v1'), from);
  makeTree(join(base, 'v2'), to);
  const [v1, v2] = [await capture(join(base, 'v1')), await capture(join(base, 'v2'))];
  const dir = join(base, 'target');
  await apply(dir, v1);
  const { fetchedBytes, seededBytes } = await apply(dir, v2, v1);
  t.same((await verifyTree(dir, v2.manifest)).differences, []);
  t.equal((await capture(dir)).root, v2.root);
  return { v1, v2, dir, fetchedBytes, seededBytes };
}

void t.test('an unchanged file keeps its inode, through its move and a change of its metadata', async (t) => {
  const base = scratchDirectory(t);
  const big = noise(30_000, 1);
  makeTree(join(base, 'v1'), directory({ same: file('same'), touched: file('touched'), moved: directory({ big: file(big), twin: file(big) }) }));
  makeTree(join(base, 'v2'), directory({ same: file('same'), touched: file('touched', { mode: 0o4711, mtime: [5, 5] }), elsewhere: directory({ big: file(big, { mode: 0o600 }), twin: file(big) }) }));
  const [v1, v2] = [await capture(join(base, 'v1')), await capture(join(base, 'v2'))];
  const dir = join(base, 'target');
  await apply(dir, v1);
  const ino = (...names: string[]): number => statSync(join(dir, ...names)).ino;
  const before = [ino('same'), ino('touched')];
  const big1 = [ino('moved', 'big'), ino('moved', 'twin')];
  const applied = await apply(dir, v2, v1);
  t.same([ino('same'), ino('touched')], before);
  t.ok(big1.includes(ino('elsewhere', 'big')) || big1.includes(ino('elsewhere', 'twin')), 'a moved file is linked');
  t.not(ino('elsewhere', 'big'), ino('elsewhere', 'twin'), 'equal files stay two files');
  t.equal(applied.fetchedBytes, 0);
  t.same((await verifyTree(dir, v2.manifest)).differences, []);
});

void t.test('new bytes are fetched, old ones are not', async (t) => {
  const base = scratchDirectory(t);
  const old = noise(200_000, 1);
  const edited = Buffer.from(old);
  edited.fill(7, 100_000, 100_010);
  const { fetchedBytes, seededBytes } = await update(t, base, directory({ image: file(old) }), directory({ image: file(edited), copy: file(old) }));
  t.ok(fetchedBytes <= 3 * 4096, `${fetchedBytes} fetched for 10 changed bytes`);
  t.ok(seededBytes > 190_000);
});

void t.test('hard links: made, broken, moved', async (t) => {
  const content = noise(2000, 3);
  await update(t, scratchDirectory(t), directory({ a: file(content), b: { type: 'hardlink', to: 'a' }, c: file('c') }), directory({ a: file(content), b: file(content), c: file('c') }));
  await update(t, scratchDirectory(t), directory({ a: file(content), b: file(content) }), directory({ a: file(content), b: { type: 'hardlink', to: 'a' } }));
  await update(t, scratchDirectory(t), directory({ a: file(content), b: { type: 'hardlink', to: 'a' } }), directory({ b: file(content), c: { type: 'hardlink', to: 'b' } }));
  await update(t, scratchDirectory(t), directory({ a: file(content), b: { type: 'hardlink', to: 'a' } }), directory({ a: file(content, { mode: 0o600 }), b: { type: 'hardlink', to: 'a' } }));
});

void t.test('the whole tree anew, and nothing at all', async (t) => {
  const full = directory({ a: file(noise(5000, 1)), b: directory({ c: file('c') }, { mode: 0o555 }) }, { mode: 0o555, mtime: [9, 9] });
  await update(t, scratchDirectory(t), full, directory({}));
  await update(t, scratchDirectory(t), directory({}), full);
});

void t.test('owners and setuid bits, when run by root', onlyRoot, async (t) => {
  const base = scratchDirectory(t);
  makeTree(join(base, 'v1'), directory({ tool: file(noise(3000, 1), { mode: 0o4755 }), sub: directory({}) }));
  chownSync(join(base, 'v1', 'tool'), 1234, 5678);
  chmodSync(join(base, 'v1', 'tool'), 0o6755);
  chownSync(join(base, 'v1', 'sub'), 1, 2);
  const v1 = await capture(join(base, 'v1'));
  await apply(join(base, 'target'), v1);
  t.match(lstatSync(join(base, 'target', 'tool')), { uid: 1234, gid: 5678, mode: 0o106755 });
  chownSync(join(base, 'v1', 'tool'), 4321, 1);
  chmodSync(join(base, 'v1', 'tool'), 0o4511);
  const v2 = await capture(join(base, 'v1'));
  await apply(join(base, 'target'), v2, v1);
  t.match(lstatSync(join(base, 'target', 'tool')), { uid: 4321, gid: 1, mode: 0o104511 });
  t.same((await verifyTree(join(base, 'target'), v2.manifest)).differences, []);
});

/** Prints what is wrong; nothing if all is right. */
const ROUND_TRIP = `
  import { mkdtempSync } from 'node:fs';
  import { join } from 'node:path';
  import { apply, capture } from '#test/unit/image/layer-in-memory.ts';
  import { InodeWorkers } from '#src/image/inode-workers.ts';
  import { removeTree } from '#src/image/remove-tree.ts';
  import { openTarget } from '#src/image/target.ts';
  import { verifyTree } from '#src/image/verify-tree.ts';
  import { directory, file, makeTree, noise } from '#test/unit/image/tree-spec.ts';
  const base = mkdtempSync('/tmp/branchcast-test-');
  const spec = (n: number) => directory({
    closed: directory({ f: file(noise(3000, 1)), g: file('g') }, { mode: 0o555 }),
    gone: n === 1 ? file(noise(5000, 2)) : directory({ x: file('x') }),
    changed: file(noise(20000, n)), touched: file('t', { mode: n === 1 ? 0o644 : 0o400 }),
    link: { type: 'symlink', target: 'changed' }, zhard: { type: 'hardlink', to: 'touched' },
    readonly: file('r', { mode: 0o444 }),
  }, { mode: 0o555 });
  for (const n of [1, 2]) makeTree(join(base, 'v' + n), spec(n));
  const [v1, v2] = [await capture(join(base, 'v1')), await capture(join(base, 'v2'))];
  const dir = join(base, 'target');
  await apply(dir, v1);
  for (const [layer, before] of [[v2, v1], [v1, v2]]) {
    await apply(dir, layer, before);
    const { differences } = await verifyTree(dir, layer.manifest);
    for (const difference of differences) if (!(process.env.BRANCHCAST_NATIVE === '0' && difference.kind === 'mtime')) console.log(JSON.stringify(difference));
  }
  const target = await openTarget(dir);
  try { await openTarget(dir); console.log('opened twice'); } catch (error) { if (error.code !== 'BC_TARGET_BUSY') console.log(error); }
  await target.close();
  await removeTree(Buffer.from(base), new InodeWorkers());
`;

void t.test('by a user who may not do everything', onlyRoot, (t) => {
  t.equal(runScript(ROUND_TRIP, { uid: 65_534 }), '');
  t.end();
});

void t.test('without native calls', (t) => {
  t.equal(runScript(ROUND_TRIP, { native: false }), '');
  t.equal(runScript(`import { makeDevice, posixSupport } from '#src/image/posix.ts';\nconsole.log(Object.values(posixSupport()).filter((value) => value === true).length);`, { native: false }), '0');
  t.end();
});

void t.test('without native calls and rights', onlyRoot, (t) => {
  t.equal(runScript(ROUND_TRIP, { uid: 65_534, native: false }), '');
  t.end();
});

void t.test('device nodes are for root, and refused before anything is staged', { skip: isRoot && posixSupport().devices ? false : 'only root makes them' }, async (t) => {
  const base = scratchDirectory(t);
  mkdirSync(join(base, 'v1'));
  makeDevice(Buffer.from(join(base, 'v1', 'null')), 'char-device', 1, 3);
  const layer = await capture(join(base, 'v1'));
  await apply(join(base, 'target'), layer);
  t.equal(lstatSync(join(base, 'target', 'null')).rdev, lstatSync('/dev/null').rdev);
  chmodSync(base, 0o777);
  const said = runScript(
    `
    import { readdirSync } from 'node:fs';
    import { apply, capture } from '#test/unit/image/layer-in-memory.ts';
    const layer = await capture('${base}/v1');
    try { await apply('${base}/other', layer); } catch (error) { console.log(error.code, error.message); }
    console.log(readdirSync('${base}/.other.branchcast').join());`,
    { uid: 65_534 },
  );
  t.match(said, /^BC_PLATFORM cannot apply null \(char-device\): only root may make device nodes\nlock$/);
});

void t.test('links are made as they are, wherever they lead', async (t) => {
  const base = scratchDirectory(t);
  const { dir } = await update(t, base, directory({ l: { type: 'symlink', target: '/etc' } }), directory({ l: { type: 'symlink', target: '../../..' }, f: file('f') }));
  t.equal(readlinkSync(join(dir, 'l')), '../../..');
  t.equal(readFileSync(join(dir, 'f'), 'utf8'), 'f');
});
