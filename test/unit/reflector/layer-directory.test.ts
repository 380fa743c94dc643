import t from 'tap';
import { formatRoot } from '../../../src/chunking/digest.ts';
import { hash } from '../../../src/chunking/hash.ts';
import { LayerDirectory, type KnownLayer } from '../../../src/reflector/layer-directory.ts';
import { matchesAny } from '../../../src/reflector/layer-pattern.ts';

function layer(name: string, version: string, sequence: number): KnownLayer {
  return { name, version, sequence, root: hash(Buffer.from(`${name}${version}`)), descriptor: hash(Buffer.from(version)) };
}

t.test('resolves by version, by name to the newest commit, and by root; and remembers', async (t) => {
  const dir = t.testdir();
  const directory = await LayerDirectory.open(dir);
  t.equal(directory.cursor, 0);
  t.equal(directory.resolve('base/a'), undefined);
  const [one, two, other] = [layer('base/a', '1.10', 1), layer('base/a', '1.9', 3), layer('base/b', '1', 2)];
  await directory.add([one, other], 2);
  await directory.add([two], 3);
  const check = (from: LayerDirectory): void => {
    t.match(from.resolve('base/a@1.10'), one);
    t.match(from.resolve('base/a'), two, 'the newest is the last committed, whatever its version looks like');
    t.match(from.resolve(formatRoot(other.root)), other);
    t.equal(from.resolve('base/a@2'), undefined);
    t.equal(from.cursor, 3);
    t.equal(from.layers.length, 3);
  };
  check(directory);
  await directory.close();
  const again = await LayerDirectory.open(dir);
  check(again);
  await again.close();
});

t.test('patterns mean whole names or beginnings', async (t) => {
  t.ok(matchesAny(['*'], 'base/debian'));
  t.ok(matchesAny(['app/x', 'base/*'], 'base/debian'));
  t.ok(matchesAny(['base/debian'], 'base/debian'));
  t.notOk(matchesAny(['base/deb'], 'base/debian'));
  t.notOk(matchesAny([], 'base/debian'));
});
