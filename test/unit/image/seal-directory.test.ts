/** Directories that others may have open are taken from them before anything in them is gone by. */
import { chmodSync, chownSync, lstatSync, mkdirSync, symlinkSync, writeFileSync, type BigIntStats } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { isPrivate, isPrivateBelow, sealDirectory } from '../../../src/image/seal-directory.ts';
import { scratchDirectory } from './scratch.ts';

const isRoot = process.getuid?.() === 0;
const path = (...names: string[]): Buffer => Buffer.from(join(...names));
const stat = (name: string): BigIntStats => lstatSync(name, { bigint: true });

void t.test('by their modes', (t) => {
  const base = scratchDirectory(t);
  for (const [mode, kept] of [
    [0o755, true],
    [0o700, true],
    [0o2711, true],
    [0o775, false],
    [0o757, false],
    [0o1777, false],
    [0o555, false],
    [0o000, false],
  ] as const) {
    const dir = join(base, mode.toString(8));
    mkdirSync(dir);
    chmodSync(dir, mode);
    t.equal(isPrivate(stat(dir)), kept, mode.toString(8));
    t.equal(Number(sealDirectory(path(dir))?.mode ?? 0n) & 0o7777, mode, 'as it was');
    t.equal(Number(stat(dir).mode) & 0o7777, kept ? mode : 0o700);
    t.equal(isPrivate(stat(dir)), true);
  }
  t.end();
});

void t.test('by their owners', { skip: isRoot ? false : 'only root can give directories away' }, (t) => {
  const dir = join(scratchDirectory(t), 'd');
  mkdirSync(dir, 0o755);
  chownSync(dir, 65_534, 65_534);
  t.equal(isPrivate(stat(dir)), false);
  t.equal(sealDirectory(path(dir))?.uid, 65_534n);
  t.equal(stat(dir).uid, 0n, 'its owner could open it again');
  t.equal(isPrivate(stat(dir)), true);
  t.end();
});

void t.test('nothing else is touched', (t) => {
  const base = scratchDirectory(t);
  mkdirSync(join(base, 'elsewhere'));
  chmodSync(join(base, 'elsewhere'), 0o777);
  symlinkSync('elsewhere', join(base, 'link'));
  writeFileSync(join(base, 'file'), 'x', { mode: 0o666 });
  const { mode } = lstatSync(join(base, 'file'));
  for (const name of ['link', 'file', 'nothing', 'file/below']) t.equal(sealDirectory(path(base, name)), undefined, name);
  t.equal(lstatSync(join(base, 'elsewhere')).mode & 0o777, 0o777);
  t.equal(lstatSync(join(base, 'file')).mode, mode);
  t.end();
});

void t.test('all the way down', (t) => {
  const base = scratchDirectory(t);
  mkdirSync(join(base, 'a', 'b'), { recursive: true });
  symlinkSync('a', join(base, 'link'));
  chmodSync(base, 0o755);
  const key = (text: string): Buffer => Buffer.from(text.replaceAll('/', '\0'));
  t.equal(isPrivateBelow(Buffer.from(base), key('a/b/file')), true);
  t.equal(isPrivateBelow(Buffer.from(base), key('link/b/file')), false);
  t.equal(isPrivateBelow(Buffer.from(base), key('a/c/file')), false);
  chmodSync(join(base, 'a'), 0o777);
  t.equal(isPrivateBelow(Buffer.from(base), key('a/b/file')), false);
  t.equal(isPrivateBelow(Buffer.from(base), key('file')), true);
  t.end();
});
