/** What corpora are is locked: every package and every tree, and a lock that locks nothing is refused. */
import { lutimesSync, mkdirSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { isPinned, treeDigest, treesOf } from '../../../benchmarks/corpora/build-corpus.ts';
import { corpusNames, PACKAGE_CORPORA } from '../../../benchmarks/corpora/definitions.ts';
import { formatLock, parseLock, readLock } from '../../../benchmarks/corpora/lock.ts';

const INTEGRITY = `sha512-${'A'.repeat(86)}==`;
const TREE = { fileCount: 1, bytes: 2, sha256: '0'.repeat(64) };

t.test('a lock is read as it was written', async (t) => {
  const lock = { packages: { 'b@1.0.0': INTEGRITY, '@a/b@2.0.0-rc.1': INTEGRITY }, trees: { 'app/v1': TREE } };
  t.same(parseLock(formatLock(lock)), lock);
  t.equal(formatLock(parseLock(formatLock(lock))), formatLock(lock));
});

t.test('what locks nothing is refused', async (t) => {
  const parse = (packages: unknown, trees: unknown) => () => parseLock(JSON.stringify({ packages, trees }));
  t.throws(parse({ 'a@1.0.0': 'sha1-AAAA' }, {}), /no sha512/);
  t.throws(parse({ 'a@latest': INTEGRITY }, {}), /not NAME@VERSION/);
  t.throws(parse({ '../a@1.0.0': INTEGRITY }, {}), /not NAME@VERSION/);
  t.throws(parse({}, { 'app/v1': { ...TREE, sha256: 'abc' } }), /no tree digest/);
  t.throws(parse({}, undefined), /needs "packages" and "trees"/);
});

t.test('the committed lock has every package and every tree that is the same everywhere', async (t) => {
  const { packages, trees } = readLock();
  const wanted = new Set(Object.values(PACKAGE_CORPORA).flatMap((corpus) => Object.values(corpus).flat()));
  t.same(Object.keys(packages).toSorted(), [...wanted].toSorted());
  t.same(Object.keys(trees).toSorted(), corpusNames().filter(isPinned).flatMap((name) => treesOf(name).map((tree) => `${name}/${tree}`)).toSorted());
});

t.test('a tree digest sees names, contents and links, not where the tree is', async (t) => {
  const make = (name: string, content: string, link: string): string => {
    const dir = join(t.testdirName, name);
    mkdirSync(dir, { recursive: true });
    writeFileSync(join(dir, 'file'), content);
    utimesSync(join(dir, 'file'), 1, 1);
    symlinkSync(link, join(dir, 'link'));
    lutimesSync(join(dir, 'link'), 1, 1);
    return dir;
  };
  t.testdir();
  const digest = async (...args: Parameters<typeof make>): Promise<string> => (await treeDigest(make(...args))).sha256;
  const first = await treeDigest(make('first', 'content', 'file'));
  t.match(first, { fileCount: 1, bytes: 7 });
  t.not(await digest('other content', 'Content', 'file'), first.sha256);
  t.not(await digest('other link', 'content', 'elsewhere'), first.sha256);
  t.equal(await digest('elsewhere', 'content', 'file'), first.sha256);
});
