import t from 'tap';
import { hashBytes } from '../../../src/chunking/hash.ts';
import { ChunkLengths } from '../../../src/manifest/chunk-lengths.ts';

const digest = (name: string): Buffer => Buffer.from(hashBytes(Buffer.from(name)));

void t.test('notes each chunk once, through several growths', (t) => {
  const lengths = new ChunkLengths(100_000);
  const names = Array.from({ length: 5000 }, (_, index) => `chunk ${index}`);
  t.ok(names.every((name, index) => lengths.note(digest(name), 0, index + 1) === undefined));
  t.ok(names.every((name, index) => lengths.note(digest(name), 0, 7) === index + 1));
  t.equal(lengths.count, 5000);
  t.end();
});

void t.test('digests that begin alike are told apart', (t) => {
  const lengths = new ChunkLengths(10_000);
  const alike = (index: number): Buffer => {
    const bytes = Buffer.alloc(40, 0xab);
    bytes.writeUInt32BE(index, 36);
    return bytes;
  };
  for (let index = 0; index < 3000; index += 1) if (lengths.note(alike(index), 8, index + 1) !== undefined) t.fail(`${index} was taken for another`);
  for (let index = 0; index < 3000; index += 500) t.equal(lengths.note(alike(index), 8, 1), index + 1);
  t.end();
});

void t.test('is bounded', (t) => {
  const lengths = new ChunkLengths(3);
  for (const name of ['a', 'b', 'c', 'a']) lengths.note(digest(name), 0, 1);
  t.throws(() => lengths.note(digest('d'), 0, 1), { code: 'BC_LIMIT_EXCEEDED' });
  t.equal(lengths.note(digest('c'), 0, 1), 1, 'what is known is still answered');
  t.end();
});
