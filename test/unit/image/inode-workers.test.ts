/** Calls on many inodes do the same on threads as on this one. */
import { existsSync, linkSync, lstatSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { hasMetadata, metadataOf } from '../../../src/image/inode-metadata.ts';
import { InodeWorkers, type KnownFile, type KnownInode } from '../../../src/image/inode-workers.ts';
import { setMtime } from '../../../src/image/posix.ts';
import { scratchDirectory } from './scratch.ts';

for (const [where, doneHereMax] of [
  ['here', Infinity],
  ['on threads', 0],
] as const) {
  void t.test(where, async (t) => {
    const base = scratchDirectory(t);
    const at = (name: string): Buffer => Buffer.from(join(base, name));
    const root = Buffer.from(base);
    const workers = new InodeWorkers(doneHereMax);
    t.teardown(() => workers.close());
    const known = (name: string, newName: string): KnownFile => {
      const stat = lstatSync(at(name), { bigint: true });
      return { key: Buffer.from(name), newKey: Buffer.from(newName), sizeBytes: Number(stat.size), ino: stat.ino, ctimeNs: stat.ctimeNs };
    };

    await t.test('a look is what lstat says', async (t) => {
      writeFileSync(at('file'), 'bytes', { mode: 0o640 });
      symlinkSync('file', at('link'));
      mkdirSync(at('sub'));
      writeFileSync(at('sub/file'), 'below');
      const names = ['file', 'link', 'sub\0file', '', 'missing', 'file\0below', 'x'.repeat(300)];
      const looks = await workers.look(root, names.map((name) => Buffer.from(name)));
      for (const [index, path] of ['file', 'link', 'sub/file', ''].entries()) {
        const [stat, look] = [lstatSync(at(path), { bigint: true }), looks.at(index)];
        const { ino, dev, size, mtimeNs, ctimeNs, mode, uid, gid } = stat;
        t.same({ ino: look?.ino, dev: look?.dev, size: look?.size, mtimeNs: look?.mtimeNs, ctimeNs: look?.ctimeNs, mode: look?.mode, uid: look?.uid, gid: look?.gid }, { ino, dev, size, mtimeNs, ctimeNs, mode, uid, gid });
        t.same([look?.isFile(), look?.isSymbolicLink()], [stat.isFile(), stat.isSymbolicLink()]);
        t.ok(look !== undefined && hasMetadata(look, metadataOf(stat)));
      }
      t.same(names.map((_, index) => looks.at(index) === undefined), [false, false, false, false, true, true, true]);
      await workers.look(root, []);
    });

    await t.test('a time before 1970', async (t) => {
      writeFileSync(at('old'), '');
      setMtime(at('old'), -12_346, 500_000_000);
      t.equal((await workers.look(root, [Buffer.from('old')])).at(0)?.mtimeNs, -12_345_500_000_000n);
    });

    await t.test('links what is as it is known, and nothing else', async (t) => {
      for (const name of ['same', 'grown', 'replaced', 'taken']) writeFileSync(at(name), name);
      writeFileSync(at('taken-2'), 'in the way');
      symlinkSync('same', at('symlink'));
      const files = [known('same', 'same-2'), known('grown', 'grown-2'), known('replaced', 'replaced-2'), known('taken', 'taken-2'), known('symlink', 'symlink-2')];
      writeFileSync(at('grown'), 'longer than before');
      const other = { ...known('replaced', 'replaced-2'), ino: 1n };
      const linked = await workers.link(root, root, [files[0], files[1], other, files[3], files[4]] as KnownFile[]);
      t.same(
        files.map((_, index) => linked.at(index) !== undefined),
        [true, false, false, false, false],
      );
      t.equal(lstatSync(at('same-2'), { bigint: true }).ctimeNs, linked.at(0)?.ctimeNs);
      t.equal(lstatSync(at('same')).nlink, 2);
      t.same([existsSync(at('grown-2')), existsSync(at('replaced-2')), existsSync(at('symlink-2'))], [false, false, false]);
    });

    await t.test('what a thread that died has linked does not stand in the way', { skip: availableParallelism() === 1 && 'there are no threads' }, async (t) => {
      writeFileSync(at('orphan'), 'orphan');
      const file = known('orphan', 'orphan-2');
      linkSync(at('orphan'), at('orphan-2'));
      const dead = new InodeWorkers(0);
      await dead.close();
      t.equal((await dead.link(root, root, [file])).at(0), undefined, 'it has changed since it was known');
      t.notOk(existsSync(at('orphan-2')));
      t.equal(lstatSync(at('orphan')).nlink, 1);
    });

    await t.test('makes small files: the old one if it holds the bytes, else anew; none if the old one is not as it is known', async (t) => {
      for (const name of ['equal', 'other', 'touched', 'longer']) writeFileSync(at(name), name);
      mkdirSync(at('made-taken'));
      const old = (name: string): KnownInode => {
        const { ino, ctimeNs } = lstatSync(at(name), { bigint: true });
        return { path: at(name), ino, ctimeNs };
      };
      const wanted = [
        { name: 'equal', bytes: 'equal', old: old('equal') },
        { name: 'other', bytes: 'OTHER', old: old('other') },
        { name: 'touched', bytes: 'touched', old: { ...old('touched'), ctimeNs: 1n } },
        { name: 'longer', bytes: 'long', old: old('longer') },
        { name: 'gone', bytes: 'gone', old: { ...old('equal'), path: at('not there') } },
        { name: 'new', bytes: 'new', old: undefined },
        { name: 'empty', bytes: '', old: undefined },
        { name: 'taken', bytes: 'taken', old: undefined },
      ];
      const made = await workers.put(wanted.map(({ name, bytes, old }) => ({ path: at(`made-${name}`), bytes: Buffer.from(bytes), old })));
      for (const [index, { name, bytes, old }] of wanted.entries()) {
        if (['touched', 'longer', 'gone', 'taken'].includes(name)) {
          t.equal(made[index], undefined);
          t.equal(existsSync(at(`made-${name}`)), name === 'taken');
          continue;
        }
        t.equal(readFileSync(at(`made-${name}`), 'utf8'), bytes);
        const { ino, mode } = lstatSync(at(`made-${name}`), { bigint: true });
        t.equal(made[index]?.ino, ino);
        t.equal(old?.ino === ino, name === 'equal', name);
        if (name !== 'equal') t.equal(mode & 0o777n, 0o600n);
      }
      t.equal(lstatSync(at('made-taken')).isDirectory(), true, 'nothing is done where something stands');
      t.same(await workers.put([]), []);
    });

    await t.test('removes names, also those that are gone, and says what it cannot remove', async (t) => {
      const names = Array.from({ length: 50 }, (_, index) => `n${index}`);
      for (const name of names) writeFileSync(at(name), '');
      await workers.unlink([...names, 'never'].map(at));
      t.notOk(names.some((name) => existsSync(at(name))));
      mkdirSync(at('directory'));
      await t.rejects(workers.unlink([at('directory')]), /unlink/);
    });
  });
}
