import { lstatSync, mkdirSync, openSync, readdirSync, readFileSync, symlinkSync, writeFileSync, closeSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { setMetadataOfInode } from '../../../src/image/inode-metadata.ts';
import { exchangePaths, lockFile, makeFifo, posixSupport, setMtime, splitDeviceNumber, syncFilesystem, writeUncached } from '../../../src/image/posix.ts';

const support = posixSupport();

void t.test('this machine is told apart', (t) => {
  t.match(support, { atomicExchange: Boolean, nanosecondTimes: Boolean, filesystemSync: Boolean, fileLocks: Boolean, fifos: Boolean, devices: Boolean, uncachedWrites: Boolean });
  if (process.platform === 'linux' && process.arch === 'x64') t.same(support, { atomicExchange: true, nanosecondTimes: true, filesystemSync: true, fileLocks: true, fifos: true, devices: true, uncachedWrites: true });
  t.end();
});

void t.test('times to the nanosecond, of links themselves, under names that are bytes', { skip: support.nanosecondTimes ? false : 'no utimensat' }, (t) => {
  const dir = t.testdir({ file: 'x' });
  const odd = Buffer.from(`${dir}/\xff\xfe`, 'latin1');
  writeFileSync(odd, '');
  symlinkSync('file', join(dir, 'link'));
  const { mtimeNs: untouched } = lstatSync(join(dir, 'file'), { bigint: true });
  for (const [seconds, nanos, expected] of [
    [1_700_000_000, 123_456_789, 1_700_000_000_123_456_789n],
    [-5, 999_999_999, -4_000_000_001n],
    [0, 0, 0n],
  ] as const) {
    for (const path of [odd, Buffer.from(join(dir, 'link'))]) {
      const { atimeNs } = lstatSync(path, { bigint: true });
      setMtime(path, seconds, nanos);
      t.equal(lstatSync(path, { bigint: true }).mtimeNs, expected);
      t.equal(lstatSync(path, { bigint: true }).atimeNs, atimeNs);
    }
  }
  t.equal(lstatSync(join(dir, 'file'), { bigint: true }).mtimeNs, untouched, 'not what a link leads to');
  t.throws(() => setMtime(Buffer.from(join(dir, 'nothing')), 0, 0), { code: 'ENOENT', message: /nothing/ });
  t.end();
});

void t.test('what is written past the page cache is what was given', { skip: support.uncachedWrites ? false : 'no pwritev2' }, async (t) => {
  const path = join(t.testdir({ file: 'abcdefgh' }), 'file');
  const fd = openSync(path, 'r+');
  t.teardown(() => closeSync(fd));
  // undefined is right on a kernel or file system that cannot: nothing is written then.
  const written = await writeUncached(fd, Buffer.from('0123456789').subarray(2, 5), 4);
  t.equal(readFileSync(path, 'latin1'), written === undefined ? 'abcdefgh' : 'abcd234h');
  t.ok(written === undefined || written === 3);
  const readOnly = openSync(path, 'r');
  t.teardown(() => closeSync(readOnly));
  t.equal(await writeUncached(readOnly, Buffer.from('x'), 0), undefined, 'who writes it in the usual way is told why it cannot be');
});

void t.test('two names exchange what they mean', { skip: support.atomicExchange ? false : 'no renameat2' }, (t) => {
  const dir = t.testdir({ a: { one: '' }, b: { two: '' } });
  t.equal(exchangePaths(Buffer.from(join(dir, 'a')), Buffer.from(join(dir, 'b'))), true);
  t.same(readdirSync(join(dir, 'a')), ['two']);
  t.same(readdirSync(join(dir, 'b')), ['one']);
  t.throws(() => exchangePaths(Buffer.from(join(dir, 'a')), Buffer.from(join(dir, 'c'))), { code: 'ENOENT' });
  t.end();
});

void t.test('a lock holds as long as its file is open', { skip: support.fileLocks ? false : 'no flock' }, (t) => {
  const dir = t.testdir({});
  const one = openSync(join(dir, 'lock'), 'w');
  const two = openSync(join(dir, 'lock'), 'w');
  t.equal(lockFile(one), true);
  t.equal(lockFile(two), false);
  closeSync(one);
  t.equal(lockFile(two), true);
  closeSync(two);
  t.end();
});

void t.test('a file system is flushed, and a wrong descriptor is not one', async (t) => {
  const fd = openSync(t.testdir({}), 'r');
  t.equal(await syncFilesystem(fd), support.filesystemSync);
  closeSync(fd);
  t.equal(await syncFilesystem(1_000_000), false);
});

void t.test('fifos', { skip: support.fifos ? false : 'no mkfifo' }, (t) => {
  const path = Buffer.from(join(t.testdir({}), 'pipe'));
  makeFifo(path);
  t.ok(lstatSync(path).isFIFO());
  t.throws(() => makeFifo(path), { code: 'EEXIST' });
  t.end();
});

void t.test('device numbers as makedev(3) makes them', (t) => {
  t.same(splitDeviceNumber(0x0103n), { major: 1, minor: 3 });
  t.same(splitDeviceNumber(0x1011_0301n), { major: 259, minor: 65_793 });
  t.end();
});

void t.test('metadata of one inode, and of no other that has taken its name', (t) => {
  const dir = t.testdir({ file: 'x', other: 'y' });
  const { ino } = lstatSync(join(dir, 'file'), { bigint: true });
  const wanted = { mode: 0o640, uid: 0, gid: 0, mtimeSeconds: 5, mtimeNanos: 6 };
  t.equal(setMetadataOfInode(Buffer.from(join(dir, 'file')), ino, wanted), true);
  t.match(lstatSync(join(dir, 'file'), { bigint: true }), { mode: BigInt(0o100640), mtimeNs: support.nanosecondTimes ? 5_000_000_006n : BigInt });
  const { mode } = lstatSync(join(dir, 'other'));
  t.equal(setMetadataOfInode(Buffer.from(join(dir, 'other')), ino, wanted), false);
  symlinkSync('file', join(dir, 'link'));
  t.equal(setMetadataOfInode(Buffer.from(join(dir, 'link')), ino, wanted), false);
  t.equal(setMetadataOfInode(Buffer.from(join(dir, 'nothing')), ino, wanted), false);
  t.equal(lstatSync(join(dir, 'other')).mode, mode);
  mkdirSync(join(dir, 'closed'), { mode: 0 });
  t.equal(setMetadataOfInode(Buffer.from(join(dir, 'closed')), lstatSync(join(dir, 'closed'), { bigint: true }).ino, { ...wanted, mode: 0o700 }), true, 'whatever its mode');
  t.end();
});
