import t from 'tap';
import { hasCode } from '../../../src/base/errors.ts';
import { compareKeys, displayPath, isWithin, keyAfterTree, keyFromPath, keyProblem, nameOfKey, parentKey, pathOfKey, ROOT_KEY } from '../../../src/manifest/key.ts';

const text = (bytes: Uint8Array | undefined): string | undefined => (bytes === undefined ? undefined : Buffer.from(bytes).toString('latin1'));

void t.test('a path and its key', (t) => {
  for (const path of ['', 'a', 'a/b', 'usr/share/doc/x.y', '...', '.hidden/..data', 'é/ü', `${'n'.repeat(255)}/b`]) {
    const key = keyFromPath(path);
    t.equal(pathOfKey(key).toString(), path);
    t.equal(text(key), Buffer.from(path).toString('latin1').replaceAll('/', '\0'));
  }
  const bytes = Buffer.of(0xff, 0x2f, 0x80);
  t.same(pathOfKey(keyFromPath(bytes)), bytes, 'names are bytes');
  t.same(bytes, Buffer.of(0xff, 0x2f, 0x80), 'the argument is left as it was');
  t.end();
});

void t.test('what is no path in a tree is refused', (t) => {
  for (const path of ['/a', 'a/', 'a//b', '.', '..', 'a/..', '../a', 'a/./b', 'a\0b', 'n'.repeat(256), 'a/'.repeat(2048)]) {
    t.throws(() => keyFromPath(path), { code: 'BC_USAGE' }, JSON.stringify(path.slice(0, 20)));
  }
  t.end();
});

void t.test('the code of a problem says whether it is dangerous', (t) => {
  const problem = (key: string): string | undefined => keyProblem(Buffer.from(key, 'latin1'))?.code;
  for (const key of ['.', '..', 'a\0..', '..\0a', 'a/b', '/', '\0', 'a\0', '\0a', 'a\0\0b']) t.equal(problem(key), 'BC_MANIFEST_UNSAFE', JSON.stringify(key));
  for (const key of ['n'.repeat(256), `${'n'.repeat(200)}\0`.repeat(21) + 'a']) t.equal(problem(key), 'BC_MANIFEST_MALFORMED');
  for (const key of ['', 'a', '...', '..a', 'a..', '.a', ' ', '\n']) t.equal(problem(key), undefined, JSON.stringify(key));
  t.end();
});

void t.test('a scan that starts in the middle sees the component that it starts in', (t) => {
  const key = Buffer.from('abc\0..', 'latin1');
  for (let checkedTo = 0; checkedTo <= key.length; checkedTo += 1) t.equal(keyProblem(key, 0, key.length, checkedTo)?.code, 'BC_MANIFEST_UNSAFE', String(checkedTo));
  const shifted = Buffer.concat([Buffer.from('..'), key]);
  t.equal(keyProblem(shifted, 2, 5), undefined, 'bytes before the start do not count');
  t.end();
});

void t.test('order: a directory stands right before what is in it', (t) => {
  const paths = ['', 'a', 'a/b', 'a/b/c', 'a/c', 'a!', 'a-', 'a.', 'aa', 'b'];
  const keys = paths.map((path) => keyFromPath(path));
  t.same([...keys].reverse().sort(compareKeys).map((key) => pathOfKey(key).toString()), paths);
  const after = keyAfterTree(keyFromPath('a'));
  t.same(keys.filter((key) => after !== undefined && compareKeys(key, after) < 0 && compareKeys(key, keyFromPath('a')) >= 0).length, 4);
  t.equal(keyAfterTree(ROOT_KEY), undefined);
  t.end();
});

void t.test('parents, names, containment', (t) => {
  t.equal(parentKey(ROOT_KEY), undefined);
  t.equal(text(parentKey(keyFromPath('a'))), '');
  t.equal(text(parentKey(keyFromPath('a/b/c'))), 'a\0b');
  t.equal(text(nameOfKey(keyFromPath('a/b/c'))), 'c');
  t.equal(text(nameOfKey(keyFromPath('a'))), 'a');
  const within = (key: string, directory: string): boolean => isWithin(keyFromPath(key), keyFromPath(directory));
  t.ok(within('a/b', 'a'));
  t.ok(within('a', 'a'));
  t.ok(within('a', ''));
  t.notOk(within('ab', 'a'));
  t.notOk(within('a', 'a/b'));
  t.notOk(within('b/b', 'a'));
  t.end();
});

void t.test('paths for people cannot move their cursor', (t) => {
  const shown = (bytes: Uint8Array | string): string => displayPath(keyFromPath(bytes));
  t.equal(shown(''), '.');
  t.equal(shown('usr/ä€😀'), 'usr/ä€😀');
  t.equal(shown(Buffer.of(0x61, 0xff, 0xc3, 0x2f, 0xa4, 0x62)), 'a\\xff\\xc3/\\xa4b');
  t.equal(shown('a\u001b[2Jb\n'), 'a\\u{1b}[2Jb\\u{a}');
  t.equal(shown('a\u202eb\u009b'), 'a\\u{202e}b\\u{9b}');
  t.equal(shown('a\\xff'), 'a\\\\xff', 'an escape cannot be forged');
  t.equal(shown('\ufeffa'), '\ufeffa');
  t.end();
});

void t.test('the error of a hostile path does not carry it raw', (t) => {
  try {
    keyFromPath('\u001b/..');
    t.fail('accepted');
  } catch (error) {
    t.ok(hasCode(error, 'BC_USAGE') && !error.message.includes('\u001b'));
  }
  t.end();
});
