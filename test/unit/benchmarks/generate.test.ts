/** Generated trees are the same everywhere and always: figures of different machines are about the same input. */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import t from 'tap';
import { corporaDir } from '../../../benchmarks/corpora/corpora-dir.ts';
import { Corpora } from '../../../benchmarks/corpora/corpora.ts';
import { generatedTree, type GeneratedFile } from '../../../benchmarks/corpora/generate.ts';

/** sha256 of versions 1 and 2. */
const DIGESTS = ['c9b118fcd056634a8723fa813f5a8f2e01f8836260a2569d1f527cfed955cd18', '7f2276d793bfc3f62eb3cdef9edc3c94afb2def41ee5521d475fd3ad2e3e306e'];
const SHAPE = { smallFileCount: 210, smallFileBytesMax: 2000, largeFileCount: 1, largeFileBytes: 100_000 };

function digest(files: Iterable<GeneratedFile>): string {
  const hash = createHash('sha256');
  for (const { path, bytes } of files) hash.update(`${path}\0${bytes.length}\0`).update(bytes);
  return hash.digest('hex');
}

t.test('the same seed gives the same bytes', async (t) => {
  t.equal(digest(generatedTree(SHAPE, 1, 1)), DIGESTS[0]);
  t.equal(digest(generatedTree(SHAPE, 1, 2)), DIGESTS[1]);
  t.not(digest(generatedTree(SHAPE, 2, 1)), DIGESTS[0]);
});

t.test('the second version has every kind of change, and mostly none', async (t) => {
  const [v1, v2] = ([1, 2] as const).map((version) => new Map([...generatedTree(SHAPE, 1, version)].map(({ path, bytes }) => [path, Buffer.from(bytes)])));
  if (v1 === undefined || v2 === undefined) throw new Error('two versions');
  const both = [...v1].filter(([path]) => v2.has(path));
  const changed = both.filter(([path, bytes]) => !bytes.equals(v2.get(path) ?? Buffer.alloc(0)));
  t.ok(changed.length > 0 && changed.length < both.length / 5, `${changed.length} of ${both.length} changed`);
  t.ok(changed.some(([path]) => path === 'large/bin-0'));
  t.ok([...v2.keys()].some((path) => path.includes('added')));
  t.ok([...v2.keys()].some((path) => path.includes('-renamed')));
  t.ok(v1.size > both.length);
});

t.test('trees are written once for all benchmarks of a run', async (t) => {
  const dir = t.testdir();
  const corpora = new Corpora('small', dir);
  const { v1, v2 } = corpora.versions('branch');
  for (const [version, tree] of Object.entries({ v1, v2 })) {
    t.ok(tree.startsWith(join(dir, '/')) && readdirSync(tree).includes('large'), tree);
    // Only to be told from what would be written again.
    writeFileSync(join(tree, 'large', 'bin-0'), version);
  }
  for (const again of [corpora, new Corpora('small', dir)]) {
    t.same(again.versions('branch'), { v1, v2 });
    for (const [version, tree] of Object.entries({ v1, v2 })) t.equal(readFileSync(join(tree, 'large', 'bin-0'), 'utf8'), version);
  }
  process.env['BRANCHCAST_CORPORA'] = join(t.testdirName, 'none');
  t.throws(() => new Corpora('full', t.testdirName).versions('app'), /run scripts\/corpora app/);
});

t.test('where corpora are', async (t) => {
  t.equal(corporaDir({ BRANCHCAST_CORPORA: '/a' }), '/a');
  t.equal(corporaDir({ XDG_CACHE_HOME: '/b' }), '/b/branchcast/corpora');
});
